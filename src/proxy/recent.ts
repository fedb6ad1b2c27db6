import { MATCH_WINDOW } from '../model/where.ts'

/** The last bytes of a lane, for who asks a moment too late. */
export class Recent {
  /** How many bytes there have been in all. */
  total = 0
  #chunks: Buffer[] = []
  #size = 0

  add(chunk: Buffer): void {
    this.total += chunk.length
    if (chunk.length >= MATCH_WINDOW) {
      this.#chunks = [Buffer.from(chunk.subarray(-MATCH_WINDOW))] // not the 64 KiB around it
      this.#size = MATCH_WINDOW
      return
    }
    this.#chunks.push(chunk)
    this.#size += chunk.length
    while (this.#size - this.#chunks[0]!.length >= MATCH_WINDOW) this.#size -= this.#chunks.shift()!.length
  }

  /** What is kept of the bytes from `offset` on. */
  since(offset: number): Buffer {
    const kept = Buffer.concat(this.#chunks)
    return kept.subarray(Math.max(0, kept.length - (this.total - offset)))
  }
}
