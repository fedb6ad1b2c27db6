import { scheduler } from 'node:timers/promises'

import { now } from '../timeline/clock.ts'
import { AbortController, mainProcess } from './realm.ts'

interface Scheduler {
  wait(ms: number, options: { readonly ref: boolean; readonly signal: AbortSignal }): Promise<void>
  yield(): Promise<void>
}

// The methods of the prototype: fakes replace the functions beside it, and at most put a `wait` of their own on the object.
const prototype = Object.getPrototypeOf(scheduler) as Scheduler
const wait: Scheduler['wait'] = prototype.wait.bind(scheduler)
const yielded: Scheduler['yield'] = prototype.yield.bind(scheduler)

/**
 * A timer by the scheduler of `node:timers/promises`, for where the timers had been replaced before we were loaded.
 *
 * It behaves as one of Node's: it keeps the process alive unless `unref()` was called, and what `act` throws is an
 * uncaught exception.
 */
export class LateTimer {
  readonly #act: () => void
  readonly #ms: number
  readonly #repeats: boolean
  #dueMs: number
  #ref = true
  #waiting: AbortController | undefined

  constructor(act: () => void, ms: number, repeats = false) {
    this.#act = act
    this.#ms = Math.max(1, ms) // as Node's
    this.#repeats = repeats
    this.#dueMs = now() + this.#ms
    this.#arm()
  }

  ref(): this {
    return this.#keepAlive(true)
  }

  unref(): this {
    return this.#keepAlive(false)
  }

  hasRef(): boolean {
    return this.#ref
  }

  /** Counts from now again, also when it has fired. */
  refresh(): this {
    this.#dueMs = now() + this.#ms
    this.#arm()
    return this
  }

  close(): this {
    this.#waiting?.abort()
    this.#waiting = undefined
    return this
  }

  #keepAlive(ref: boolean): this {
    this.#ref = ref
    if (this.#waiting) this.#arm()
    return this
  }

  #arm(): void {
    this.close()
    const waiting = new AbortController()
    this.#waiting = waiting
    const done = (): void => {
      if (this.#waiting === waiting) this.#fire()
    }
    wait(Math.max(1, this.#dueMs - now()), { ref: this.#ref, signal: waiting.signal }).then(done, () => {}) // it was given up
  }

  #fire(): void {
    this.#waiting = undefined
    if (this.#repeats) this.refresh()
    run(this.#act)
  }
}

/** Runs `act` behind the next poll for events, as `setImmediate` does. */
export function nextCheckPhase(act: () => void): void {
  void yielded().then(() => run(act))
}

/** What it throws is an uncaught exception, as from a timer, and no rejection. */
function run(act: () => void): void {
  try {
    act()
  } catch (thrown) {
    mainProcess.nextTick(() => {
      throw thrown
    })
  }
}
