/** What no public property of Node tells. Wherever a Node has it no longer, less is found. */
import type { ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'

interface Parser {
  readonly socket?: Socket | null
  getCurrentBuffer?(): Buffer
}

interface Inside {
  readonly server?: Server
  readonly parser?: Parser | null
  readonly _httpMessage?: ServerResponse | null
  readonly _parent?: Socket | null
}

/** The TCP sockets that a server has, but for those that do not keep the process alive. */
export function socketsOf(server: Server): Socket[] {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles?: () => (Socket & Inside)[] }
  const own = (handles?.call(process) ?? []).filter((handle) => handle.server === server)
  return [...new Set(own.map(socketBelow))]
}

/** The TCP socket that a TLS socket runs over; any other is its own. */
export function socketBelow(socket: Socket): Socket {
  return (socket as Inside)._parent ?? socket
}

/** The response that an HTTP/1 connection is waiting for. */
export function responseUnderWay(socket: Socket): ServerResponse | undefined {
  return (socket as Inside)._httpMessage ?? undefined
}

/** An upgraded connection has no parser any more. */
export function stillSpeaksHttp(socket: Socket): boolean {
  return (socket as Inside).parser !== undefined && (socket as Inside).parser !== null
}

/** The sockets of an HTTP server on which not a byte of a next request has come; `undefined` where Node does not show its parsers. */
export function idleSocketsOf(server: Server): Set<Socket> | undefined {
  const known = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'http.server.connections')
  const parsers = known && (server as unknown as Record<symbol, { idle?(): Parser[] } | undefined>)[known]
  return parsers?.idle && new Set(parsers.idle().flatMap(({ socket }) => socket ?? []))
}

/** What is being parsed of an HTTP/1 connection: at a request, the packet that it came in. */
export function packetUnderParse(socket: Socket): Buffer | undefined {
  return (socket as Inside).parser?.getCurrentBuffer?.()
}

/** A listener in a cluster worker that the primary has handed out: what is not accepted here its siblings accept. */
export function isShared(server: Server): boolean {
  const { _handle: handle } = server as unknown as { _handle?: object | null }
  return handle !== null && handle !== undefined && Object.hasOwn(handle, 'close')
}
