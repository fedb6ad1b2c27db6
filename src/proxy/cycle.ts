import { clearTimer, setTimer } from '../lifetime/timers.ts'
import type { Every } from '../model/where.ts'
import { now } from '../timeline/clock.ts'

/** Switches something off and on in turns. It is on when this begins; the schedule is absolute, so that late timers add up to nothing. */
export class Cycle {
  readonly #every: Every
  readonly #switchTo: (on: boolean) => void
  #on = true
  #dueMs = now()
  #timer: NodeJS.Timeout | undefined

  constructor(every: Every, switchTo: (on: boolean) => void) {
    this.#every = every
    this.#switchTo = switchTo
    this.#arm()
  }

  stop(): void {
    clearTimer(this.#timer)
  }

  #arm(): void {
    this.#dueMs += this.#on ? this.#every.onMs : this.#every.offMs
    this.#wait()
  }

  #wait(): void {
    this.#timer = setTimer(() => this.#fired(), Math.max(1, this.#dueMs - now()))
  }

  #fired(): void {
    if (now() < this.#dueMs) return this.#wait() // a timer may fire a little early
    this.#on = !this.#on
    this.#arm()
    this.#switchTo(this.#on)
  }
}
