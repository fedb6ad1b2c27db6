import { clearTimer, nextTurn, setTimer } from '../../lifetime/timers.ts'
import { now } from '../../timeline/clock.ts'

/** A timer may be as late as this: the last of each wait is watched turn by turn. Milliseconds. */
const TIMER_ERROR_MS = 2

/** Something that is due at a time, until it is done or cancelled. */
export interface Scheduled {
  readonly dueMs: number
  cancel(): void
}

interface Entry extends Scheduled {
  readonly order: number
  /** `undefined`: cancelled. */
  act: (() => void) | undefined
}

/**
 * Things to do in the order of their due times, and equal ones in the order in which they were given; one timer for all.
 * A timer for each would fire out of order.
 */
export class Schedule {
  /** A binary heap: the parent of `n` stands at `(n - 1) >> 1`. */
  readonly #heap: Entry[] = []
  #given = 0
  #waiting = 0
  #timer: NodeJS.Timeout | undefined
  #watching = false
  #whenEmpty: (() => void)[] = []

  /** Does `act` at `dueMs` of the clock; never before that, and never in this call. */
  at(dueMs: number, act: () => void): Scheduled {
    const entry: Entry = { dueMs, order: this.#given++, act, cancel: () => this.#cancel(entry) }
    this.#waiting++
    this.#push(entry)
    if (this.#heap[0] === entry) this.#arm()
    return entry
  }

  /** Resolves when nothing waits, at once if nothing does. */
  empty(): Promise<void> {
    return this.#waiting === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenEmpty.push(resolve))
  }

  /** Forgets all that waits. */
  clear(): void {
    this.#settled(this.#waiting)
  }

  #cancel(entry: Entry): void {
    if (!entry.act) return
    entry.act = undefined // its place in the heap is left when it is due
    this.#settled(1)
  }

  #settled(count: number): void {
    this.#waiting -= count
    if (this.#waiting > 0) return
    clearTimer(this.#timer) // what is left in the heap was cancelled
    this.#heap.length = 0
    const waiting = this.#whenEmpty
    this.#whenEmpty = []
    for (const resolve of waiting) resolve()
  }

  #arm(): void {
    clearTimer(this.#timer)
    const first = this.#heap[0]
    if (!first) return
    const restMs = first.dueMs - now() - TIMER_ERROR_MS
    if (restMs > 0) this.#timer = setTimer(() => this.#doDue(), restMs)
    else this.#watch()
  }

  #watch(): void {
    if (this.#watching) return
    this.#watching = true
    nextTurn(() => {
      this.#watching = false
      this.#doDue()
    })
  }

  #doDue(): void {
    const nowMs = now()
    for (let first = this.#heap[0]; first && first.dueMs <= nowMs; first = this.#heap[0]) {
      this.#pop()
      const { act } = first
      if (!act) continue
      first.act = undefined
      act()
      this.#settled(1)
    }
    this.#arm()
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let at = heap.push(entry) - 1
    for (let parent = (at - 1) >> 1; at > 0 && isBefore(entry, heap[parent]!); parent = (at - 1) >> 1) {
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}
