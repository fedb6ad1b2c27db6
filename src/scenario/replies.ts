import type { NetClient } from '../client/client.ts'
import { afterThis } from '../lifetime/timers.ts'
import { NetgraceError } from '../model/errors.ts'
import { ByteQueue } from '../wire/byte-queue.ts'
import { READ_AHEAD } from '../wire/reader.ts'

/** A reply that is so much longer than its message, and still without a newline, is not waited for. */
const EXCESS = 1024 * 1024

/** Nobody waits. */
const NONE = -1

/** Who waits for a line. */
export interface Replied {
  /** The next line with its newline; nothing if the connection has ended before it was whole. */
  replied(line: Buffer | undefined): void
  /** What comes is no reply. */
  garbled(error: Error): void
}

/**
 * The lines that a peer answers, as the bytes they are: `readLine` would forgive a `\r` or a broken character.
 *
 * One is waited for at a time. What comes while nobody waits is kept up to {@link READ_AHEAD}; more is left to the kernel.
 * It calls back instead of promising: a promise for each reply was a tenth of a scenario.
 */
export class Replies {
  readonly #client: NetClient
  readonly #to: Replied
  readonly #arrived = new ByteQueue()
  #expectedBytes = NONE
  #paused = false
  #over = false

  constructor(client: NetClient, to: Replied) {
    this.#client = client
    this.#to = to
    void client.pump((chunk) => this.#take(chunk)).then(() => this.#end())
  }

  /** Waits for the next line, the answer to one of so many bytes. It comes after this call, never within. */
  next(expectedBytes: number): void {
    this.#expectedBytes = expectedBytes
    if (this.#paused) this.#client.resume()
    this.#paused = false
    if (this.#over || this.#arrived.size > 0) afterThis(() => this.#serve())
  }

  #take(chunk: Buffer): boolean {
    this.#arrived.push(chunk)
    if (this.#expectedBytes !== NONE) this.#serve()
    else if (this.#arrived.size >= READ_AHEAD) this.#pause()
    return true
  }

  #pause(): void {
    this.#paused = true
    this.#client.pause()
  }

  #end(): void {
    this.#over = true
    this.#serve()
  }

  #serve(): void {
    const expectedBytes = this.#expectedBytes
    if (expectedBytes === NONE) return
    const line = this.#arrived.takeLine()
    if (!line && !this.#over && this.#arrived.size <= expectedBytes + EXCESS) return
    this.#expectedBytes = NONE
    if (line || this.#over) return this.#to.replied(line)
    const message = `${this.#arrived.size} bytes came in reply to ${expectedBytes}, and no newline`
    this.#to.garbled(new NetgraceError('ERR_NETGRACE_SCENARIO', message))
  }
}
