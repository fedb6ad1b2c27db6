/** The bytes that have come and that no step of a script has taken yet. They are joined only when they are looked at as a whole. */
export class Come {
  #chunks: Buffer[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  all(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0]!
  }

  take(count: number): void {
    const rest = this.all().subarray(count)
    this.#chunks = [rest]
    this.#size = rest.length
  }
}
