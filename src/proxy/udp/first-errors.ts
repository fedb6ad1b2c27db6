/** How many errors are kept. */
const KEPT = 32

/** The first errors of something that may fail at every datagram, and how many there were. */
export class FirstErrors {
  readonly kept: Error[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  add(error: Error): void {
    this.#count++
    if (this.kept.length < KEPT) this.kept.push(error)
  }

  /** What was kept, and a last entry for the rest. */
  report(): Error[] {
    const more = this.#count - this.kept.length
    return more === 0 ? [...this.kept] : [...this.kept, new Error(`and ${more} more`)]
  }
}
