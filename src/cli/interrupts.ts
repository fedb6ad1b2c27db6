import { now } from '../timeline/clock.ts'
import { stdout } from './output.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

type Signal = (typeof SIGNALS)[number]

/** Why a command stops before its work is done. */
export type Interrupt = Signal | 'stdout failed'

/** The exit code that says so: of a signal, 128 and its number. */
export const EXIT_CODES: Readonly<Record<Interrupt, number>> = { SIGINT: 130, SIGTERM: 143, 'stdout failed': 1 }

/**
 * The same signal again within so long is the same Ctrl-C: a terminal gives it to all processes of a job, and a shell or a
 * package manager among them (`npx`, `pnpm exec`, `timeout`) passes it on as well. Milliseconds.
 */
export const SAME_MS = 250

/**
 * Ctrl-C and its like: the first stops gracefully, the second forces, a third kills. What is registered late, runs at once.
 *
 * A stdout that cannot be written to stops gracefully, too: what follows would be done for no reader. A reader that has
 * seen enough (`| head`, EPIPE) stops nothing.
 */
export class Interrupts implements Disposable {
  /** The first that came. */
  first: Interrupt | undefined
  #second: Interrupt | undefined
  #lastSignal: Signal | undefined
  #lastAtMs = -Infinity
  #over = false
  readonly #onFirst: ((interrupt: Interrupt) => void)[] = []
  readonly #onSecond: ((interrupt: Interrupt) => void)[] = []
  readonly #forgetOutput: () => void

  constructor() {
    for (const name of SIGNALS) process.on(name, this.#came)
    this.#forgetOutput = stdout.onFailure(({ code }) => {
      if (code !== 'EPIPE' && !this.first) this.#stop('stdout failed')
    })
  }

  onFirst(act: (interrupt: Interrupt) => void): void {
    if (this.first) act(this.first)
    else this.#onFirst.push(act)
  }

  onSecond(act: (interrupt: Interrupt) => void): void {
    if (this.#second) act(this.#second)
    else this.#onSecond.push(act)
  }

  /** From now on a signal kills, but for one that is the last again: it may come when all is done, before the process has ended. */
  [Symbol.dispose](): void {
    this.#over = true
    this.#forgetOutput()
  }

  readonly #came = (name: NodeJS.Signals): void => {
    const signal = name as Signal
    const again = signal === this.#lastSignal && now() - this.#lastAtMs < SAME_MS
    if (again) return
    this.#lastSignal = signal
    this.#lastAtMs = now()
    if (this.#over || this.#second) this.#kill(signal)
    else if (this.first) this.#force(signal)
    else this.#stop(signal)
  }

  #stop(interrupt: Interrupt): void {
    this.first = interrupt
    for (const act of this.#onFirst) act(interrupt)
  }

  #force(interrupt: Interrupt): void {
    this.#second = interrupt
    for (const act of this.#onSecond) act(interrupt)
  }

  /** As if nothing here had listened. */
  #kill(signal: Signal): void {
    for (const name of SIGNALS) process.off(name, this.#came)
    process.kill(process.pid, signal)
  }
}
