import type { Client } from '../model/client.ts'
import { NetgraceError } from '../model/errors.ts'
import { ByteQueue } from '../wire/byte-queue.ts'

/** A reply that is so much longer than its message, and still without a newline, is not waited for. */
const EXCESS = 1024 * 1024

/** The lines that a peer answers, as the bytes they are: `readLine` would forgive a `\r` or a broken character. */
export class Replies {
  readonly #chunks: AsyncIterator<Buffer>
  readonly #arrived = new ByteQueue()

  constructor(client: Client) {
    this.#chunks = client[Symbol.asyncIterator]()
  }

  /** The next line with its newline; nothing if the connection ends before it is whole. */
  async next(expectedBytes: number): Promise<Buffer | undefined> {
    for (;;) {
      const line = this.#arrived.takeLine()
      if (line) return line
      if (this.#arrived.size > expectedBytes + EXCESS) {
        throw new NetgraceError('ERR_NETGRACE_SCENARIO', `${this.#arrived.size} bytes came in reply to ${expectedBytes}, and no newline`)
      }
      const { value, done } = await this.#chunks.next()
      if (done) return undefined
      this.#arrived.push(value)
    }
  }
}
