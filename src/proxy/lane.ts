import type { Direction } from '../model/fault.ts'
import { END, type Item, RST } from '../model/item.ts'
import type { Link } from '../model/link.ts'
import type { Recent } from './recent.ts'
import type { Side } from './side.ts'
import { type Receiver, Slot, type SlotLane, type Strike } from './slot.ts'

/** How many bytes of a lane may be in flight before its source is no longer read, unless a fault needs more. */
export const IN_FLIGHT_BYTES = 1024 * 1024

/** What a lane needs of its link. */
export interface LaneOwner {
  readonly link: Link
  /** `END` or `RST` has come to the end of the lane. */
  delivered(lane: Lane, last: typeof END | typeof RST): void
  failed(error: Error): void
}

/**
 * One direction of a link: items in order, from one side through the faults to the other.
 *
 * 1. What its source pushed is delivered, held by a stage, or was dropped: `#inFlight` and the other side's queue say how much is on its way.
 * 2. The source is read for as long as that is less than the limit.
 * 3. `END` or `RST` is delivered once, and last; then the lane is over, and whatever still comes goes nowhere.
 */
export class Lane implements SlotLane, Receiver {
  readonly direction: Direction
  readonly from: Side
  readonly to: Side
  /** Its source has sent FIN or RST. */
  entered = false
  over = false
  /** Bytes delivered. */
  bytes = 0
  /** The last bytes that its source sent. */
  recent: Recent | undefined
  /** Its `END` is meant for both directions. */
  endsBoth = false
  readonly #owner: LaneOwner
  readonly #slots: Slot[] = []
  readonly #sink: Receiver = { push: (item) => this.#deliver(item) }
  #inFlight = 0
  #stopped = false

  constructor(owner: LaneOwner, direction: Direction, from: Side, to: Side) {
    this.#owner = owner
    this.direction = direction
    this.from = from
    this.to = to
  }

  get link(): Link {
    return this.#owner.link
  }

  push(item: Item): void {
    if (this.over || this.entered) return
    if (typeof item === 'symbol') this.entered = true
    else this.#inFlight += item.length
    const first = this.#slots[0] ?? this.#sink
    first.push(item)
    if (!this.#stopped) this.flow()
  }

  /** Gives a fault its place: behind those that are there, so that what it does is not held up by them. */
  insert(strike: Strike, looksOnly: boolean): Slot {
    const slot = new Slot(this, this.#sink, strike, looksOnly)
    const last = this.#slots.at(-1)
    if (last) last.next = slot
    this.#slots.push(slot)
    return slot
  }

  /** Takes a fault out, within this turn and without losing what it holds. `true`: it leaves a hole. */
  remove(slot: Slot): boolean {
    const hole = slot.heal()
    const at = this.#slots.indexOf(slot)
    if (at < 0) return false // the lane was over, and has let go of it
    if (!slot.hasEnded) this.#takeOut(at) // else its end may still be on its way, and no data must overtake that
    this.flow()
    return hole && !this.over
  }

  /** Nothing more comes through: what is held is dropped, and so is what is still read. */
  close(): void {
    this.over = true
    this.#inFlight = 0
    for (const slot of this.#slots.splice(0)) slot.dispose()
    this.flow()
  }

  release(bytes: number): void {
    this.#inFlight -= bytes
    this.flow()
  }

  finishAtEnd(): void {
    this.endsBoth = true
  }

  failed(error: Error): void {
    this.#owner.failed(error)
  }

  /** Reads its source, or leaves it to the kernel. */
  flow(): void {
    const stop = !this.over && this.#inFlight + this.to.queuedBytes >= this.#limit
    if (stop === this.#stopped) return
    this.#stopped = stop
    if (stop) this.from.pause()
    else this.from.resume()
  }

  #takeOut(at: number): void {
    const [slot] = this.#slots.splice(at, 1)
    const before = this.#slots[at - 1]
    if (before) before.next = slot!.next
  }

  get #limit(): number {
    let limit = IN_FLIGHT_BYTES
    for (const { inFlightBytes } of this.#slots) limit = Math.max(limit, inFlightBytes)
    return limit
  }

  #deliver(item: Item): void {
    if (this.over) return
    if (typeof item !== 'symbol') {
      this.#inFlight -= item.length
      this.bytes += item.length
      this.to.write(item)
      if (this.#stopped) this.flow()
      return
    }
    this.close()
    this.#owner.delivered(this, item)
  }
}
