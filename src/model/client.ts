import type { Socket } from 'node:net'

import { isBytes } from './brand.ts'
import type { Ending } from './ending.ts'
import type { Endpoint } from './endpoint.ts'
import { wrongType, wrongValue } from './invalid.ts'
import { integer } from './options.ts'

/** What can be sent: text goes out as UTF-8. */
export type Data = string | Uint8Array

export function checkData(data: unknown, name = 'data'): void {
  if (typeof data !== 'string' && !isBytes(data)) throw wrongType(name, 'a string or a Uint8Array', data)
}

/** What `read` is asked for. */
export function checkCount(bytes: unknown): void {
  integer(1)('bytes', bytes)
}

/** What `ask` sends. */
export function checkLine(line: unknown): void {
  if (typeof line !== 'string') throw wrongType('line', 'a string', line)
  if (line.includes('\n')) throw wrongValue('line', 'one line, without a newline', line)
}

/** Every wait can be bounded: it then rejects with `ERR_NETGRACE_TIMEOUT`, or with the signal's reason. Nothing that arrived is lost by that. */
export interface WaitOptions {
  readonly withinMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Our end of a connection: reads, writes, and knows how it ended.
 *
 * Whoever opened it ends it with `close()`, `reset()` or `await using`; a rig does it for its own.
 * Reads may be asked for before the last one is done: they are served in their order.
 * Reads end at *any* ending and do not throw for it: what had arrived comes first; look at {@link ended} for the how.
 * A client reads ahead up to 1 MiB and no further, so `ended` waits for a reader behind more than that.
 */
export interface Client extends AsyncDisposable {
  /** This end. Kept after the connection has ended. */
  readonly local: Endpoint
  /** The other end. Kept after the connection has ended. */
  readonly peer: Endpoint
  /** The socket itself. Whoever listens to its data takes over the reading from the methods here. */
  readonly socket: Socket
  /** How it ended, once the socket has closed. Never rejects. A half-open end that has seen the peer's FIN hears no later reset until it writes: give such waits a deadline. */
  readonly ended: Promise<Ending>
  /** {@link ended} within `ms`, or rejects with `ERR_NETGRACE_TIMEOUT` and what the connection was doing. */
  endsWithin(ms: number): Promise<Ending>
  /**
   * Sends, and resolves when the kernel has taken the bytes; that says nothing about the peer.
   * @throws {ConnectionEndedError} the connection ended first.
   * @throws {NetgraceError} `ERR_NETGRACE_HALF_CLOSED`: our half is closed already.
   */
  send(data: Data, options?: WaitOptions): Promise<void>
  /** The next line, without its `\n` or `\r\n`. At the end an unterminated rest comes once, then `undefined`. */
  readLine(options?: WaitOptions): Promise<string | undefined>
  /** The next `bytes` bytes; fewer at the end. */
  read(bytes: number, options?: WaitOptions): Promise<Buffer>
  /** All that comes until the end. */
  readToEnd(options?: WaitOptions): Promise<Buffer>
  /**
   * Sends `line` and a newline, and resolves to the line that answers it.
   * @throws {ConnectionEndedError} the connection ended before a whole line came.
   */
  ask(line: string, options?: WaitOptions): Promise<string>
  /** Sends `data` a byte at a time, one each `everyMs`: the slow client. Stops at the end of the data or of the connection, or when disposed. */
  drip(data: Data, options: { readonly everyMs: number }): Disposable
  /** The chunks as they come. Leaving the loop closes nothing and loses nothing. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer>
  /** Takes nothing more from the kernel until {@link resume}: a slow reader. */
  pause(): void
  resume(): void
  /** Sends FIN and goes on reading. */
  halfClose(): void
  /**
   * Sends RST. From the call on nothing more is delivered here, and of what was sent by the methods here nothing more is given to
   * the system, but 64 KiB at most that are on their way into it. What the system has taken may still arrive, and what was
   * written to {@link socket} itself may still go out.
   *
   * On Node 20 and 22 it waits until the last write is 5 ms old and the system takes no more, some 100 ms at most: a peer on such a
   * Node takes a reset right behind data for a clean end. One that has not read by then all that came still will.
   * A unix socket has no RST: it is closed.
   */
  reset(): Promise<Ending>
  /** Sends FIN, discards what still comes, and resolves at the peer's FIN; gives up, with ending `timeout`, after `closeTimeoutMs`. */
  close(): Promise<Ending>
}
