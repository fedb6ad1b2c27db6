import { Seeded } from '../faults/random.ts'
import { asError } from '../lifetime/throw-all.ts'
import type { Direction, Fault, LaneContext, Random, Stage } from '../model/fault.ts'
import { END, type Item, sizeOf } from '../model/item.ts'
import type { Link } from '../model/link.ts'
import type { After } from '../model/where.ts'
import { now } from '../timeline/clock.ts'
import { DueQueue } from './due-queue.ts'
import type { Matcher } from './matcher.ts'

/** Whoever takes what comes along a lane. */
export interface Receiver {
  push(item: Item): void
}

/** What a slot needs of its lane. */
export interface SlotLane {
  readonly direction: Direction
  readonly link: Link
  /** So many bytes have left the lane without being delivered. */
  release(bytes: number): void
  /** When the lane's `END` is delivered, the other direction ends, too. */
  finishAtEnd(): void
  /** A stage has thrown. */
  failed(error: Error): void
}

/** One fault on one link: what its slots, one a lane, know together. */
export interface Strike {
  readonly fault: Fault
  readonly after: After
  matched: boolean
  readonly matcher: () => Matcher
  readonly seedFor: (direction: Direction) => number
  /** A slot wants to wake; `false`: the fault has had its `times`. */
  wake(): boolean
  /** The fault has met something. */
  met(): void
  /** Wakes what waits in either lane, if all that it waited for has come. */
  wakeWhoIsDue(): void
}

/**
 * A fault's place in one lane: asleep it lets everything pass and looks for what should wake it; awake it is a stage.
 *
 * It counts what goes in and comes out, so that a heal knows whether the stream has a hole.
 */
export class Slot implements LaneContext, Receiver {
  next: Receiver
  readonly timers: DueQueue
  readonly #lane: SlotLane
  readonly #strike: Strike
  /** It only looks for the match, which counts in either lane. */
  readonly #looksOnly: boolean
  #state: 'asleep' | 'timing' | 'awake' | 'passing' | 'gone' = 'asleep'
  #stage: Stage | undefined
  #matcher: Matcher | undefined
  #seen = 0
  /** Bytes that were pushed and neither emitted nor dropped. */
  #held = 0
  #dropped = false
  #closedIn = false
  #closedOut = false
  #random: Random | undefined

  constructor(lane: SlotLane, next: Receiver, strike: Strike, looksOnly: boolean) {
    this.#lane = lane
    this.next = next
    this.#strike = strike
    this.#looksOnly = looksOnly
    this.timers = new DueQueue((error) => lane.failed(error))
    if (!strike.matched) this.#matcher = strike.matcher()
  }

  get link(): Link {
    return this.#lane.link
  }

  get direction(): Direction {
    return this.#lane.direction
  }

  get random(): Random {
    this.#random ??= new Seeded(this.#strike.seedFor(this.direction))
    return this.#random
  }

  /** It has let an end pass: nothing may come behind that any more. */
  get hasEnded(): boolean {
    return this.#closedOut
  }

  /** What may be in flight on account of it. */
  get inFlightBytes(): number {
    return this.#state === 'awake' ? (this.#strike.fault.inFlightBytes ?? 0) : 0
  }

  now(): number {
    return now()
  }

  push(item: Item): void {
    if (this.#closedOut) return this.#lane.release(sizeOf(item))
    if (this.#state === 'awake') return this.#intoStage(item)
    if (this.#state !== 'asleep' || typeof item === 'symbol') return this.next.push(item)
    const border = this.#borderIn(item)
    if (border > 0) this.next.push(item.subarray(0, border))
    if (this.#strike.matched) this.#strike.wakeWhoIsDue()
    if (border < item.length) this.push(item.subarray(border))
  }

  /** Wakes, or begins to wait until it may, if all that it waited for has come. */
  wakeIfDue(): void {
    const { after, matched } = this.#strike
    if (this.#state !== 'asleep' || !matched) return
    if (this.#looksOnly) {
      this.#state = 'passing'
      return
    }
    if (this.#seen < (after.bytes ?? 0)) return
    this.#state = 'timing'
    this.timers.at(now() + (after.ms ?? 0), () => this.#wake())
  }

  emit(item: Item): void {
    if (this.#closedOut || this.#state === 'gone') return
    this.#strike.met()
    if (typeof item === 'symbol') {
      this.#closedOut = true
      this.#lane.release(this.#held) // what is behind an end will not be emitted any more
      this.#held = 0
    } else {
      this.#held -= item.length
    }
    this.next.push(item)
  }

  drop(bytes: number): void {
    if (this.#closedOut || this.#state === 'gone') return
    this.#dropped ||= bytes > 0
    this.#held -= bytes
    this.#lane.release(bytes)
  }

  finish(): void {
    if (this.#closedOut || this.#state === 'gone') return
    this.#lane.finishAtEnd()
    this.emit(END)
  }

  /** Lets go of all that is held. `true`: the stream has a hole now, or lacks its end, and must not go on. */
  heal(): boolean {
    if (this.#state === 'awake') this.#try(() => this.#stage?.flush())
    const hole = !this.#closedOut && (this.#dropped || this.#held !== 0 || this.#closedIn)
    if (this.#held > 0) this.#lane.release(this.#held)
    this.dispose()
    return hole
  }

  dispose(): void {
    if (this.#state === 'gone') return
    this.#state = 'gone'
    this.timers.clear()
    this.#try(() => this.#stage?.dispose())
    this.#held = 0
  }

  /** How many bytes of a chunk still pass before it may wake; all of them, if it may not yet. */
  #borderIn(chunk: Buffer): number {
    const { after } = this.#strike
    const missing = Math.max(0, (after.bytes ?? 0) - this.#seen)
    let border = missing
    if (!this.#strike.matched) {
      const end = this.#matcher!.feed(chunk)
      this.#strike.matched = end >= 0
      border = Math.max(missing, end)
    }
    const awakens = this.#strike.matched && border <= chunk.length
    const passing = awakens && !this.#looksOnly ? border : chunk.length
    this.#seen += passing
    return passing
  }

  #wake(): void {
    this.#state = 'awake'
    if (!this.#strike.wake()) {
      this.#state = 'passing'
      return
    }
    this.#try(() => {
      this.#stage = this.#strike.fault(this)
    })
  }

  #intoStage(item: Item): void {
    this.#strike.met()
    if (typeof item === 'symbol') this.#closedIn = true
    else this.#held += item.length
    this.#try(() => this.#stage?.push(item))
  }

  #try(act: () => void): void {
    try {
      act()
    } catch (thrown) {
      this.#lane.failed(asError(thrown))
    }
  }
}
