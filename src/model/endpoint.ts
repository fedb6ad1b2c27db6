import type { AddressInfo } from 'node:net'

import { outOfRange, wrongType, wrongValue } from './invalid.ts'

/** Where something listens, or is connected: a TCP or UDP host and port, or the path of a unix socket. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string }

/**
 * Anything that names a place to connect to: a server, a proxy, an {@link Endpoint} or an `AddressInfo` as they are,
 * a URL with host and port, or `'HOST:PORT'`. A wildcard host (`0.0.0.0`, `::`) is dialled as loopback.
 */
export type Address = Endpoint | AddressInfo | string | URL

const ALLOWED = "{ host, port }, { path }, 'HOST:PORT' or a URL with host and port"

/** `URL` drops the port of these schemes when it is the scheme's own, so here it is not missing. */
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'ws:': 80, 'https:': 443, 'wss:': 443, 'ftp:': 21 }

/** Any address as an endpoint that can be dialled. Throws a `TypeError` or `RangeError` that says what came. */
export function endpointOf(address: Address, name = 'to'): Endpoint {
  if (typeof address === 'string') return parse(address, name)
  if (address instanceof URL) return fromUrl(address, name)
  if (typeof address !== 'object' || address === null) throw wrongType(name, ALLOWED, address)
  if ('path' in address && typeof address.path === 'string') {
    if (address.path === '') throw wrongValue(`${name}.path`, 'a path that is not empty', address.path)
    return { path: address.path }
  }
  const { host, port } = address as { host?: unknown; port?: unknown }
  const hostname = host ?? (address as { address?: unknown }).address
  if (typeof hostname !== 'string' || hostname === '' || port === undefined) throw wrongType(name, ALLOWED, address)
  return { host: dialled(hostname), port: portOf(port, `${name}.port`) }
}

/** `127.0.0.1:8080`, `[::1]:8080`, `unix:/tmp/a.sock`. */
export function formatEndpoint(endpoint: Endpoint): string {
  return 'path' in endpoint ? `unix:${endpoint.path || '(unnamed)'}` : `${bracketed(endpoint.host)}:${endpoint.port}`
}

/** The host as it stands in a URL: IPv6 in brackets. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Whether both name the same end of a socket; an IPv4 address mapped into IPv6 is that IPv4 address. */
export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  if ('path' in a || 'path' in b) return 'path' in a && 'path' in b && a.path === b.path
  return a.port === b.port && unmapped(a.host) === unmapped(b.host)
}

function parse(text: string, name: string): Endpoint {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    if (!URL.canParse(text)) throw wrongValue(name, ALLOWED, text)
    return fromUrl(new URL(text), name)
  }
  const unix = /^unix:(?<path>.+)$/.exec(text)?.groups
  if (unix) return { path: unix['path']! }
  const parts = /^(?:\[(?<six>[^\]]+)\]|(?<host>[^:]+)):(?<port>\d+)$/.exec(text)?.groups
  if (!parts) throw wrongValue(name, ALLOWED, text)
  return { host: dialled(parts['six'] ?? parts['host']!), port: portOf(Number(parts['port']), `the port of ${name}`) }
}

function fromUrl(url: URL, name: string): Endpoint {
  if (url.protocol === 'unix:') return { path: decodeURIComponent(url.host + url.pathname) }
  const port = url.port === '' ? DEFAULT_PORTS[url.protocol] : Number(url.port)
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
