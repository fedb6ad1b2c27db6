/** What is alive, and a way to wait until nothing is. */
export class Live<T> {
  readonly all: Set<T> = new Set()
  readonly #whenAdded = new Set<() => void>()
  #whenEmpty: (() => void)[] = []

  add(one: T): void {
    this.all.add(one)
    for (const act of this.#whenAdded) act()
  }

  delete(one: T): void {
    if (!this.all.delete(one) || this.all.size > 0) return
    const waiting = this.#whenEmpty
    this.#whenEmpty = []
    for (const resolve of waiting) resolve()
  }

  /** Resolves when nothing is alive, at once if nothing is now. */
  empty(): Promise<void> {
    return this.all.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenEmpty.push(resolve))
  }

  /** Calls `act` each time that one has been added. Returns the way to end that. */
  onAdd(act: () => void): () => void {
    this.#whenAdded.add(act)
    return () => void this.#whenAdded.delete(act)
  }
}
