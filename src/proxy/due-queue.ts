import { clearTimer, nextTurn, setTimer } from '../lifetime/timers.ts'
import type { TimerQueue } from '../model/fault.ts'
import { now } from '../timeline/clock.ts'

/** A timer knows whole milliseconds only, and may be as late as this: the last of each wait is watched turn by turn. */
const TIMER_ERROR_MS = 2

/** A timer that is asked for more fires after 1 ms, with a warning. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** So many acts in one go are many. */
const MANY = 16

/** So many entries that are done may stand before the first that waits. */
const SLACK = 1024

interface Due {
  readonly atMs: number
  readonly act: () => void
}

export interface DueQueueOptions {
  /** Runs an `act`, or several of them in a row. Must not throw. */
  readonly run: (act: () => void) => void
  /** Whether each `act` needs a turn of its own, with a poll between it and the one before: what they write is then read apart. */
  readonly apart: () => boolean
  /** Told when many acts are done in one go: what they write can go out together. */
  readonly many?: () => void
}

/**
 * One timer for a whole queue, at constant cost for each entry. A `setTimeout` for each chunk would fire out of order, and up
 * to 0.9 ms early or 2 ms late; here nothing is early, nothing overtakes, and what is late is so by a turn of the event loop.
 */
export class DueQueue implements TimerQueue {
  readonly #options: DueQueueOptions
  /** What is done has left a hole, for it must not be kept alive. */
  #waiting: (Due | undefined)[] = []
  /** Where the first that waits stands. */
  #next = 0
  #lastMs = 0
  #timer: NodeJS.Timeout | undefined
  /** Stands for the turns in which the clock is watched; another one, or none, ends them. */
  #watch: object | undefined
  #acting = false
  #flushing = false

  constructor(options: DueQueueOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#waiting.length - this.#next
  }

  at(dueMs: number, act: () => void): void {
    const isIdle = this.size === 0 && !this.#acting
    this.#lastMs = isIdle ? dueMs : Math.max(this.#lastMs, dueMs)
    this.#waiting.push({ atMs: this.#lastMs, act })
    if (!isIdle) return
    if (dueMs <= now() && !this.#options.apart()) this.#actAll() // a turn later would cost each round trip 2 ms
    else this.#arm()
  }

  /** From within an `act`: as soon as that has returned. */
  flush(): void {
    this.#flushing = true
    if (!this.#acting) this.#actAll()
  }

  clear(): void {
    clearTimer(this.#timer)
    this.#watch = undefined
    this.#waiting = []
    this.#next = 0
  }

  /** Acts on all that is due, or on the first of it where they are to be apart. */
  #actAll(): void {
    this.#options.run(() => {
      this.#acting = true
      let done = 0
      while (this.size > 0 && (this.#flushing || this.#waiting[this.#next]!.atMs <= now())) {
        const { act } = this.#waiting[this.#next]!
        this.#waiting[this.#next++] = undefined
        this.#options.run(act)
        if (++done === MANY) this.#options.many?.()
        if (!this.#flushing && this.#options.apart()) break
      }
      this.#acting = false
      this.#flushing = false
      this.#compact()
      this.#arm()
    })
  }

  #compact(): void {
    if (this.size > 0 && (this.#next < SLACK || this.#next < this.size)) return
    this.#waiting = this.size > 0 ? this.#waiting.slice(this.#next) : []
    this.#next = 0
  }

  #arm(): void {
    clearTimer(this.#timer)
    this.#watch = undefined
    if (this.size === 0) return
    const restMs = this.#waiting[this.#next]!.atMs - now()
    if (restMs >= TIMER_ERROR_MS) this.#timer = setTimer(() => this.#look(), Math.min(restMs - TIMER_ERROR_MS, MAX_TIMER_MS))
    else this.#watchTheClock({})
  }

  #look(): void {
    if (this.#waiting[this.#next]!.atMs <= now() && !this.#options.apart()) this.#actAll()
    else this.#arm()
  }

  /** Turn by turn: all else that is ready goes on meanwhile. */
  #watchTheClock(watch: object): void {
    this.#watch = watch
    nextTurn(() => {
      if (this.#watch !== watch) return
      if (this.#waiting[this.#next]!.atMs <= now()) this.#actAll()
      else this.#watchTheClock(watch)
    })
  }
}
