import type { Socket } from 'node:net'

import type { ConnectionRecord } from '../../model/connection.ts'
import type { Endpoint } from '../../model/endpoint.ts'

/**
 * What a connection of a supervised server is there for at the moment.
 *
 * - `handshake`: TLS, not done yet; or it was there before supervision, and nothing has been heard of it since.
 * - `unused`: HTTP, and not a byte has come.
 * - `busy`: an HTTP/1 request is arriving, or being answered; or an upgrade has not been answered yet.
 * - `idle`: HTTP/1, kept alive, nothing under way.
 * - `http2`: a session.
 * - `upgraded`: a WebSocket, a tunnel.
 * - `answering`: of a server that speaks no HTTP: it has read since it last wrote.
 * - `open`: of a server that speaks no HTTP, otherwise.
 */
export type ConnectionUse = 'handshake' | 'unused' | 'busy' | 'idle' | 'http2' | 'upgraded' | 'answering' | 'open'

/** A connection of a supervised server: to look at, not to read from, which its server does. */
export interface SupervisedConnection {
  /** Counts from 1, in the order in which they were seen. */
  readonly id: number
  readonly local: Endpoint
  readonly peer: Endpoint
  /** The TLS socket where there is one. */
  readonly socket: Socket
  readonly use: ConnectionUse
  /** `GET /slow`: the HTTP/1 request that is being answered, of several the last. */
  readonly request: string | undefined
}

/** What a stop report says of a supervised connection. `handler` is always `settled`: its server's handlers are not ours to know. */
export interface SupervisedRecord extends ConnectionRecord {
  /** As it was when the server was told to quit. */
  readonly use: ConnectionUse
  /** The HTTP/1 request that was being answered when it ended. */
  readonly request: string | undefined
  /** What its server wrote after the stop had sent the FIN: it was not sent. */
  readonly cutOffBytes: number
}
