import type { Client } from './client.ts'
import type { Ending } from './ending.ts'
import type { Endpoint } from './endpoint.ts'

/** The server's end of a connection. Its server ends it; a handler may, with the same methods as a client. */
export interface Connection extends Omit<Client, 'ask'> {
  /** Counts from 1 in each run of the server. */
  readonly id: number
  /** The server has been told to stop. */
  readonly quitting: boolean
}

/**
 * Serves one connection.
 *
 * If it returns a promise it owns the connection until that settles: then the server half-closes, reads on and
 * discards until the peer's FIN; after a rejection it resets. If it returns anything else the connection is left
 * to its socket, and at quit only the signal tells it.
 *
 * It reads by iteration, `readLine`, `read` or `readToEnd`, or from `connection.socket`, but not both.
 */
export type Handler = (connection: Connection, quit: AbortSignal) => unknown

/** What a stop report says of one connection. */
export interface ConnectionRecord {
  readonly id: number
  readonly local: Endpoint
  readonly peer: Endpoint
  /** `undefined`: its socket had not closed when the report was written. */
  readonly ending: Ending | undefined
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly openMs: number
  readonly handler: 'settled' | 'rejected' | 'pending'
}
