import { asError } from '../lifetime/throw-all.ts'
import { clearTimer, nextTurn, setTimer } from '../lifetime/timers.ts'
import type { TimerQueue } from '../model/fault.ts'
import { now } from '../timeline/clock.ts'

/** A timer knows whole milliseconds only, and may be as late as this: the last of each wait is watched turn by turn. */
const TIMER_ERROR_MS = 2

interface Due {
  readonly atMs: number
  readonly act: () => void
}

/**
 * One timer for a whole queue. A `setTimeout` for each chunk would fire out of order, and up to 0.9 ms early or 2 ms late;
 * here nothing is early, nothing overtakes, and what is late is so by a turn of the event loop.
 */
export class DueQueue implements TimerQueue {
  #waiting: Due[] = []
  #next = 0
  #lastMs = 0
  #timer: NodeJS.Timeout | undefined
  /** Stands for the turns in which the clock is watched; another one, or none, ends them. */
  #watch: object | undefined
  #acting = false
  readonly #failed: (error: Error) => void

  /** @param failed  Is told what an `act` throws, for there is nobody else to catch it. */
  constructor(failed: (error: Error) => void) {
    this.#failed = failed
  }

  get size(): number {
    return this.#waiting.length - this.#next
  }

  at(dueMs: number, act: () => void): void {
    if (this.size === 0 && !this.#acting) {
      if (dueMs <= now()) return this.#run(act) // a turn later would cost each round trip 2 ms
      this.#lastMs = 0
    }
    this.#lastMs = Math.max(this.#lastMs, dueMs)
    this.#waiting.push({ atMs: this.#lastMs, act })
    if (this.size === 1 && !this.#acting) this.#arm()
  }

  flush(): void {
    this.#actAll((): boolean => true)
  }

  clear(): void {
    clearTimer(this.#timer)
    this.#watch = undefined
    this.#waiting = []
    this.#next = 0
  }

  #actAll(isDue: (atMs: number) => boolean): void {
    if (this.#acting) return // its loop takes what is added, too
    this.#acting = true
    for (let due = this.#waiting[0]; due && isDue(due.atMs); due = this.#waiting[this.#next]) {
      this.#next++
      this.#run(due.act)
    }
    this.#acting = false
    this.#waiting.splice(0, this.#next)
    this.#next = 0
    this.#arm()
  }

  #run(act: () => void): void {
    try {
      act()
    } catch (thrown) {
      this.#failed(asError(thrown))
    }
  }

  #arm(): void {
    clearTimer(this.#timer)
    this.#watch = undefined
    const first = this.#waiting[0]
    if (!first) return
    const restMs = first.atMs - now()
    if (restMs >= TIMER_ERROR_MS) this.#timer = setTimer(() => this.#actDue(), restMs - TIMER_ERROR_MS)
    else this.#watchTheClock({})
  }

  /** Turn by turn: all else that is ready goes on meanwhile. */
  #watchTheClock(watch: object): void {
    this.#watch = watch
    nextTurn(() => {
      if (this.#watch !== watch) return
      if (this.#waiting[0]!.atMs <= now()) this.#actDue()
      else this.#watchTheClock(watch)
    })
  }

  #actDue(): void {
    this.#actAll((atMs) => atMs <= now())
  }
}
