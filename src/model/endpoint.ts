import type { AddressInfo } from 'node:net'
import { URL } from 'node:url' // the global one may be jsdom's, or happy-dom's

import { isUrl } from './brand.ts'
import { defaultPort } from './default-ports.ts'
import { outOfRange, wrongType, wrongValue } from './invalid.ts'
import { looksLikePath, socketPath } from './socket-path.ts'

/** Where something listens, or is connected: a TCP or UDP host and port, or the path of a unix socket. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string }

/**
 * Anything that names a place to connect to: a server, a proxy, an {@link Endpoint} or what `server.address()` gives as
 * they are, `{ hostname, port }`, a URL with host and port, `'HOST:PORT'`, or the path of a unix socket (`/…`, `./…`,
 * `unix:…`, on Windows a pipe). A wildcard host (`0.0.0.0`, `::`) is dialled as loopback; a relative path is resolved
 * when it is given.
 */
export type Address = Endpoint | AddressInfo | { readonly hostname: string; readonly port: number } | string | URL

const ALLOWED = "{ host, port }, { path }, 'HOST:PORT', a URL with host and port, or a path that begins with / or ./"

/** The name of a socket in Linux's abstract namespace, as gRPC writes it: its path begins with NUL, which no text for people should. */
const ABSTRACT = 'unix-abstract:'

/** What several hosts in one text are told: which of them is meant cannot be known. */
const ONE_HOST = 'the address of one host (one proxy or connection for each host)'

/** Any address as an endpoint that can be dialled. Throws a `TypeError` or `RangeError` that says what came. */
export function endpointOf(address: Address, name = 'to'): Endpoint {
  if (typeof address === 'string') return parse(address, name)
  if (typeof address !== 'object' || address === null) throw wrongType(name, ALLOWED, address)
  if (isUrl(address)) return parse(address.href, name)
  const given = address as { readonly [key in 'path' | 'host' | 'hostname' | 'address' | 'port']?: unknown }
  if (typeof given.path === 'string') return { path: socketPath(given.path, `${name}.path`) }
  const host = given.host ?? given.hostname ?? given.address
  if (typeof host !== 'string' || host === '' || given.port === undefined) throw wrongType(name, ALLOWED, address)
  return { host: dialled(host), port: portOf(given.port, `${name}.port`) }
}

/** `127.0.0.1:8080`, `[::1]:8080`, `unix:/tmp/a.sock`, `unix-abstract:a`. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (!('path' in endpoint)) return `${bracketed(endpoint.host)}:${endpoint.port}`
  return endpoint.path.startsWith('\0') ? ABSTRACT + endpoint.path.slice(1) : `unix:${endpoint.path || '(unnamed)'}`
}

/** The host as it stands in a URL: IPv6 in brackets. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/**
 * Whether both name the same end of a socket; an IPv4 address mapped into IPv6 is that IPv4 address. The client's end of a
 * unix socket has no name, so nothing says that it is the same as another.
 */
export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  if ('path' in a || 'path' in b) return 'path' in a && 'path' in b && a.path === b.path && a.path !== ''
  return a.port === b.port && unmapped(a.host) === unmapped(b.host)
}

/** The same text for the same end of a TCP or UDP socket, as {@link sameEndpoint} has it. */
export function endpointKey(endpoint: Endpoint): string {
  return 'path' in endpoint ? endpoint.path : `${unmapped(endpoint.host)} ${endpoint.port}`
}

function parse(text: string, name: string): Endpoint {
  if (namesSeveralHosts(text)) throw wrongValue(name, ONE_HOST, text)
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    if (!URL.canParse(text)) throw wrongValue(name, ALLOWED, text)
    return fromUrl(new URL(text), name)
  }
  if (text.startsWith(ABSTRACT)) return { path: socketPath(`\0${text.slice(ABSTRACT.length)}`, name) }
  const path = looksLikePath(text) ? text : /^unix:(?<path>.+)$/s.exec(text)?.groups!['path']
  if (path !== undefined) return { path: socketPath(path, name) }
  const parts = /^(?:\[(?<six>[^\]]+)\]|(?<host>[^:]+)):(?<port>\d+)$/.exec(text)?.groups
  if (!parts) throw wrongValue(name, ALLOWED, text)
  return { host: dialled(parts['six'] ?? parts['host']!), port: portOf(Number(parts['port']), `the port of ${name}`) }
}

function fromUrl(url: URL, name: string): Endpoint {
  if (url.protocol === 'unix:') return { path: socketPath(decodeURIComponent(url.host + url.pathname), name) }
  const port = url.port === '' ? defaultPort(url.protocol) : Number(url.port)
  if (url.hostname === '' || port === undefined) throw wrongValue(name, ALLOWED, url.href)
  return { host: dialled(url.hostname.replace(/^\[(.*)\]$/, '$1')), port: portOf(port, `the port of ${name}`) }
}

function portOf(port: unknown, name: string): number {
  const allowed = 'an integer from 1 to 65535'
  if (typeof port !== 'number') throw wrongType(name, allowed, port)
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw outOfRange(name, allowed, port)
  return port
}

/** Whether it listens on every address of the machine. */
export function isWildcard(endpoint: Endpoint): boolean {
  return 'host' in endpoint && (endpoint.host === '0.0.0.0' || endpoint.host === '::')
}

function dialled(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

function unmapped(host: string): string {
  return host.startsWith('::ffff:') ? host.slice('::ffff:'.length) : host
}

/** `mongodb://a,b/db`, `a:1,b:2`; and `mongodb+srv:`, whose name stands for several by way of the DNS. */
function namesSeveralHosts(text: string): boolean {
  const { scheme = '', authority = '' } = /^(?:(?<scheme>[a-z][a-z0-9+.-]*):\/\/)?(?<authority>[^/?#]*)/i.exec(text)?.groups ?? {}
  return scheme.endsWith('+srv') || authority.slice(authority.lastIndexOf('@') + 1).includes(',')
}
