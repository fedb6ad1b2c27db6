const NEWLINE = 0x0a

/** The bytes that have arrived and were not read yet. Looks at no byte twice for a newline. */
export class ByteQueue {
  readonly #chunks: Buffer[] = []
  #size = 0
  /** So many chunks at the front are known to hold no newline. */
  #searched = 0

  get size(): number {
    return this.#size
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** The oldest chunk as it came. */
  shift(): Buffer | undefined {
    const chunk = this.#chunks.shift()
    if (!chunk) return undefined
    this.#size -= chunk.length
    if (this.#searched > 0) this.#searched--
    return chunk
  }

  /** The oldest `count` bytes, or all there are. */
  take(count: number): Buffer {
    const parts: Buffer[] = []
    let wanted = Math.min(count, this.#size)
    while (wanted > 0) {
      const first = this.#chunks[0]!
      if (first.length <= wanted) {
        wanted -= first.length
        parts.push(this.shift()!)
      } else {
        parts.push(first.subarray(0, wanted))
        this.#chunks[0] = first.subarray(wanted)
        this.#size -= wanted
        wanted = 0
      }
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  /** The bytes up to and with the first newline, if there is one. */
  takeLine(): Buffer | undefined {
    let before = 0
    for (const [n, chunk] of this.#chunks.entries()) {
      const at = n < this.#searched ? -1 : chunk.indexOf(NEWLINE)
      if (at >= 0) return this.take(before + at + 1)
      before += chunk.length
    }
    this.#searched = this.#chunks.length
    return undefined
  }

  clear(): void {
    this.#chunks.length = 0
    this.#size = 0
    this.#searched = 0
  }
}
