const SIGNALS = ['SIGINT', 'SIGTERM'] as const

export type Interrupt = (typeof SIGNALS)[number]

/** The exit code that says so: 128 and the signal's number. */
export const EXIT_CODES: Readonly<Record<Interrupt, number>> = { SIGINT: 130, SIGTERM: 143 }

/**
 * Ctrl-C and its like: the first stops gracefully, the second forces. A third meets nobody here, and kills.
 * What is registered late, runs at once.
 */
export class Interrupts implements Disposable {
  /** The first that came. */
  first: Interrupt | undefined
  #second: Interrupt | undefined
  readonly #onFirst: ((interrupt: Interrupt) => void)[] = []
  readonly #onSecond: ((interrupt: Interrupt) => void)[] = []

  constructor() {
    for (const name of SIGNALS) process.on(name, this.#came)
  }

  onFirst(act: (interrupt: Interrupt) => void): void {
    if (this.first) act(this.first)
    else this.#onFirst.push(act)
  }

  onSecond(act: (interrupt: Interrupt) => void): void {
    if (this.#second) act(this.#second)
    else this.#onSecond.push(act)
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) process.off(name, this.#came)
  }

  readonly #came = (name: NodeJS.Signals): void => {
    if (this.first) {
      this.#second = name as Interrupt
      this[Symbol.dispose]()
      for (const act of this.#onSecond) act(this.#second)
    } else {
      this.first = name as Interrupt
      for (const act of this.#onFirst) act(this.first)
    }
  }
}
