import type { NetClient } from '../client/client.ts'
import { NetgraceError } from '../model/errors.ts'
import { ByteQueue } from '../wire/byte-queue.ts'
import { READ_AHEAD } from '../wire/reader.ts'

/** A reply that is so much longer than its message, and still without a newline, is not waited for. */
const EXCESS = 1024 * 1024

/** Somebody who waits for a line. */
interface Waiting {
  readonly expectedBytes: number
  readonly resolve: (line: Buffer | undefined) => void
  readonly reject: (error: Error) => void
}

/**
 * The lines that a peer answers, as the bytes they are: `readLine` would forgive a `\r` or a broken character.
 *
 * One is waited for at a time. What comes while nobody waits is kept up to {@link READ_AHEAD}; more is left to the kernel.
 */
export class Replies {
  readonly #client: NetClient
  readonly #arrived = new ByteQueue()
  #waiting: Waiting | undefined
  #paused = false
  #over = false

  constructor(client: NetClient) {
    this.#client = client
    void client.pump((chunk) => this.#take(chunk)).then(() => this.#end())
  }

  /** The next line with its newline; nothing if the connection ends before it is whole. */
  next(expectedBytes: number): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting = { expectedBytes, resolve, reject }
      if (this.#paused) this.#client.resume()
      this.#paused = false
      this.#serve()
    })
  }

  #take(chunk: Buffer): boolean {
    this.#arrived.push(chunk)
    if (this.#waiting) this.#serve()
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
    if (!this.#waiting) return
    const { expectedBytes, resolve, reject } = this.#waiting
    const line = this.#arrived.takeLine()
    if (!line && !this.#over && this.#arrived.size <= expectedBytes + EXCESS) return
    this.#waiting = undefined
    if (line || this.#over) return resolve(line)
    const message = `${this.#arrived.size} bytes came in reply to ${expectedBytes}, and no newline`
    reject(new NetgraceError('ERR_NETGRACE_SCENARIO', message))
  }
}
