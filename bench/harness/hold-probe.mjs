/** The longest time between two turns of the event loop. A `setImmediate` a turn: `monitorEventLoopDelay` misses the turn in which it is disabled. */
export class HoldProbe {
  #longestMs = 0
  #lastAt = performance.now()
  #turns = 0
  #next = setImmediate(() => this.#turn())

  /** The longest hold until now, this turn's included. */
  async end() {
    const until = this.#turns + 2
    while (this.#turns < until) await new Promise((resolve) => void setImmediate(resolve))
    clearImmediate(this.#next)
    return this.#longestMs
  }

  #turn() {
    const now = performance.now()
    this.#longestMs = Math.max(this.#longestMs, now - this.#lastAt)
    this.#lastAt = now
    this.#turns++
    this.#next = setImmediate(() => this.#turn())
  }
}
