import type { AddressInfo, Server } from 'node:net'

import { bracketed, formatEndpoint, type Endpoint } from '../../model/endpoint.ts'
import { wrongType } from '../../model/invalid.ts'

/** A server of the user's: of `node:net`, `node:tls`, `node:http`, `node:https` or `node:http2`. */
export type ForeignServer = Server

/** What an HTTP/1 server has beside: an https server too, and an HTTP/2 server that allows HTTP/1. */
interface Http1Server {
  closeIdleConnections(): void
  closeAllConnections?(): void
}

/** What its connections speak, as far as the server alone tells. */
export interface Speaks {
  readonly tls: boolean
  readonly http1: boolean
  readonly http2: boolean
}

/** Told by what it can do, which is public, and costs no import of five modules; a subclass, or a server of another realm, is as good. */
export function whatItSpeaks(server: ForeignServer): Speaks {
  const can = (method: string): boolean =>
    typeof (server as unknown as Readonly<Record<string, unknown>> | null | undefined)?.[method] === 'function'
  if (!can('on') || !can('listen') || !can('getConnections')) {
    throw wrongType('server', 'a server of node:net, node:tls, node:http, node:https or node:http2', server)
  }
  return { tls: can('setSecureContext'), http1: can('closeIdleConnections'), http2: can('updateSettings') }
}

export function addressOf(server: ForeignServer): Endpoint {
  const address = server.address() as AddressInfo | string
  return typeof address === 'string' ? { path: address } : { host: address.address, port: address.port }
}

/** As a client would write it, so a wildcard is loopback. */
export function urlOf(address: Endpoint, { tls, http1, http2 }: Speaks): string {
  if ('path' in address) return formatEndpoint(address)
  const { host, port } = address
  const dialled = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const scheme = http1 || http2 ? (tls ? 'https' : 'http') : tls ? 'tls' : 'tcp'
  return `${scheme}://${bracketed(dialled)}:${port}`
}

/**
 * Closes the listener and nothing else. Resolves when the server says that its last connection has gone.
 *
 * An HTTP server would close its idle connections with it, and its sessions, thousands in one go, and those that linger. It
 * does so by their own public methods, which do nothing meanwhile (test/supervise/http.test.ts, http2.test.ts).
 */
export function closeListener(server: ForeignServer, sessions: readonly { close(): void }[]): Promise<void> {
  const unmute = [mute(server, 'closeIdleConnections'), ...sessions.map((session) => mute(session, 'close'))]
  try {
    return new Promise((resolve) => void server.close(() => resolve()))
  } finally {
    for (const again of unmute) again()
  }
}

function mute(object: object, method: string): () => void {
  const of = object as Record<string, unknown>
  if (of[method] === undefined) return () => {}
  const own = Object.getOwnPropertyDescriptor(of, method)
  of[method] = () => {}
  return () => {
    if (own) Object.defineProperty(of, method, own)
    else delete of[method]
  }
}

/** For the connections that nobody shows us: the server itself knows which of them are idle. */
export function closeUnseenIdle(server: ForeignServer): void {
  ;(server as ForeignServer & Partial<Http1Server>).closeIdleConnections?.()
}

export function closeUnseen(server: ForeignServer): void {
  ;(server as ForeignServer & Partial<Http1Server>).closeAllConnections?.()
}

/** How many connections it has, by its own count. */
export function countOf(server: ForeignServer): Promise<number> {
  return new Promise((resolve) => void server.getConnections((error, count) => resolve(error ? 0 : count)))
}
