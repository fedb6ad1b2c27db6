/** What no public property of Node tells, asked only of connections that were there before us, and of TLS. Wherever a Node has it no longer, less is found. */
import type { ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'

interface Inside {
  readonly server?: Server
  readonly parser?: object | null
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
