/** How far back who asks a moment too late can look. Bytes. */
export const LOOK_BACK = 1024

/** The last bytes of a lane. Copied, for a chunk that is kept alive costs the garbage collector more than its bytes. */
export class Recent {
  /** How many bytes there have been in all. */
  total = 0
  /** Up to where each pattern has been given out. */
  givenUpTo: Map<string, number> | undefined
  readonly #bytes = Buffer.allocUnsafeSlow(2 * LOOK_BACK)
  #end = 0

  add(chunk: Buffer): void {
    this.total += chunk.length
    const from = Math.max(0, chunk.length - LOOK_BACK)
    const size = chunk.length - from
    if (this.#end + size > this.#bytes.length) {
      const kept = Math.min(this.#end, LOOK_BACK)
      this.#bytes.copyWithin(0, this.#end - kept, this.#end)
      this.#end = kept
    }
    chunk.copy(this.#bytes, this.#end, from)
    this.#end += size
  }

  /** A copy of what is kept of the bytes from `offset` on. */
  since(offset: number): Buffer {
    const size = Math.min(this.#end, LOOK_BACK, this.total - offset)
    return Buffer.from(this.#bytes.subarray(this.#end - size, this.#end))
  }
}
