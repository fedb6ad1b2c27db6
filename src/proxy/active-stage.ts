import { Seeded } from '../faults/random.ts'
import type { Direction, Fault, LaneContext, Random, Stage } from '../model/fault.ts'
import { END, type Item, RST } from '../model/item.ts'
import type { Link } from '../model/link.ts'
import { now } from '../timeline/clock.ts'
import { DueQueue } from './due-queue.ts'

/** What takes the items of a lane. */
export interface Receiver {
  push(item: Item): void
}

/** What a stage needs of its lane. */
export interface StageLane {
  readonly direction: Direction
  readonly link: Link
  /** What is emitted in the lane is to be read apart. */
  readonly apart: boolean
  /** Runs a part of a fault. What it throws is reported, and resets the link; what is healed meanwhile is so once it has returned. */
  run(act: () => void): void
  /** What is written in this turn goes out together. */
  gather(): void
  /** Whether what stands behind `of` takes another item. */
  hasRoomBehind(of: Receiver): boolean
  /** So many bytes have left the lane without being delivered. */
  release(bytes: number): void
  /** So many items more, or fewer, are held. */
  holds(items: number): void
  /** How the link is to end when the lane's end is delivered, or now, if that has been. */
  endsAs(how: 'finish' | 'reset'): void
  /** Whether the link still lets a fault end it so. */
  canEnd(how: 'finish' | 'reset'): boolean
}

/** A fault that becomes active on a lane. */
export interface Activation {
  readonly fault: Fault
  readonly seed: number
  /** It has done something: told each time. */
  triggered(): void
  /** Its function has thrown. */
  failed(thrown: unknown): Error
}

/**
 * A fault's stage at work, and the lane as it sees it.
 *
 * Counts what goes in and comes out, so that healing it knows whether the stream has a gap, and holds the law of its own side:
 * nothing is pushed into the stage behind an end, and nothing is taken from it behind one.
 */
export class ActiveStage implements LaneContext {
  next: Receiver
  readonly timers: DueQueue
  readonly #lane: StageLane
  readonly #activation: Activation
  #stage: Stage | undefined
  /** Bytes that were pushed and neither emitted nor dropped. */
  #held = 0
  /** Pushed and not yet emitted, as if each were emitted as one; never more than there are bytes. */
  #items = 0
  #dropped = false
  #endedIn = false
  #endedOut: boolean
  /** An end passed before the fault was active: what it does to the link is done to it all the same. */
  readonly #isBehindEnd: boolean
  #gone = false
  #random: Random | undefined

  constructor(lane: StageLane, next: Receiver, activation: Activation, isBehindEnd: boolean) {
    this.#lane = lane
    this.next = next
    this.#activation = activation
    this.#isBehindEnd = isBehindEnd
    this.#endedOut = isBehindEnd
    this.timers = new DueQueue({ run: (act) => lane.run(act), apart: () => lane.apart, many: () => lane.gather() })
  }

  /** Makes the stage, which may emit at once. */
  begin(): void {
    this.#lane.run(() => {
      try {
        this.#stage = this.#activation.fault(this)
      } catch (thrown) {
        this.#activation.triggered()
        throw this.#activation.failed(thrown)
      }
    })
  }

  get link(): Link {
    return this.#lane.link
  }

  get direction(): Direction {
    return this.#lane.direction
  }

  get random(): Random {
    this.#random ??= new Seeded(this.#activation.seed)
    return this.#random
  }

  get hasRoom(): boolean {
    return this.#lane.hasRoomBehind(this.next)
  }

  get hasEnded(): boolean {
    return this.#endedOut
  }

  get inFlightBytes(): number {
    return this.#activation.fault.inFlightBytes ?? 0
  }

  get apart(): boolean {
    return this.#activation.fault.apart ?? false
  }

  get items(): number {
    return this.#items
  }

  now(): number {
    return now()
  }

  push(item: Item): void {
    this.#activation.triggered()
    if (typeof item === 'symbol') {
      this.#endedIn = true
    } else {
      this.#held += item.length
      this.#setItems(this.#items + 1)
    }
    this.#lane.run(() => this.#stage?.push(item))
  }

  emit(item: Item): void {
    if (item === RST && !this.#lane.canEnd('reset')) return
    if (this.#isBehindEnd) return this.#endLink(item === RST ? 'reset' : undefined)
    if (this.#endedOut || this.#gone) return
    this.#activation.triggered()
    if (typeof item === 'symbol') {
      this.#endedOut = true
      this.#lane.release(this.#held) // what is behind an end will not be emitted any more
      this.#held = 0
    } else {
      this.#held -= item.length
    }
    this.#setItems(this.#items - 1)
    this.#lane.run(() => this.next.push(item))
  }

  drop(bytes: number): void {
    if (this.#endedOut || this.#gone) return
    this.#dropped ||= bytes > 0
    this.#held -= bytes
    this.#setItems(this.#items - 1)
    this.#lane.release(bytes)
  }

  finish(): void {
    if (!this.#lane.canEnd('finish')) return
    if (this.#isBehindEnd) return this.#endLink('finish')
    if (this.#endedOut || this.#gone) return
    this.#lane.endsAs('finish')
    this.emit(END)
  }

  /** Lets go of all that is held. `true`: the stream has a gap now, or lacks its end, and must not go on. */
  heal(): boolean {
    this.#lane.run(() => this.#stage?.flush())
    const gap = !this.#endedOut && (this.#dropped || this.#held !== 0 || this.#endedIn)
    if (this.#held > 0) this.#lane.release(this.#held)
    return gap
  }

  dispose(): void {
    if (this.#gone) return
    this.#gone = true
    this.timers.clear()
    this.#lane.run(() => this.#stage?.dispose())
    this.#held = 0
    this.#setItems(0)
  }

  #endLink(how: 'finish' | 'reset' | undefined): void {
    if (how === undefined || this.#gone) return
    this.#activation.triggered()
    this.#lane.endsAs(how)
  }

  #setItems(count: number): void {
    const items = Math.max(0, Math.min(count, this.#held))
    if (items === this.#items) return
    this.#lane.holds(items - this.#items)
    this.#items = items
  }
}
