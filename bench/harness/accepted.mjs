/** Counts accepts, and lets wait for the next so many. */
export class Accepted {
  #waiting = 0
  #count = 0
  #resolve

  one() {
    this.#count++
    this.#check()
  }

  /** Resolves once `count` more have come than were waited for before. */
  more(count) {
    this.#waiting += count
    return new Promise((resolve) => {
      this.#resolve = resolve
      this.#check()
    })
  }

  #check() {
    if (this.#count >= this.#waiting) this.#resolve?.()
  }
}
