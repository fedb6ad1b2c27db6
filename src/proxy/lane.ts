import { asError } from '../lifetime/throw-all.ts'
import { clearTimer, nextTurn, setTimer } from '../lifetime/timers.ts'
import type { Direction } from '../model/fault.ts'
import { END, type Item, RST } from '../model/item.ts'
import type { Link } from '../model/link.ts'
import type { Receiver } from './active-stage.ts'
import type { Recent } from './recent.ts'
import type { Side } from './side.ts'
import { Slot, type SlotLane } from './slot.ts'
import type { LaneTrigger } from './trigger.ts'

/** How many bytes of a lane may be in flight before its source is no longer read, unless a fault needs more. */
export const IN_FLIGHT_BYTES = 1024 * 1024

/** How many items may be: a piece of one byte costs some hundred, so that bytes alone would be no bound. */
export const IN_FLIGHT_ITEMS = 4096

/** How many bytes go through faults in one turn of the event loop, before the source is left alone until the next. */
const TURN_BYTES = 128 * 1024

/** How often to look whether the other side has room for more items; of that it tells nothing by itself. Milliseconds. */
const LOOK_MS = 5

/** What a lane needs of its link. */
export interface LaneOwner {
  readonly link: Link
  /** `END` or `RST` has come to the end of the lane. */
  delivered(lane: Lane, last: typeof END | typeof RST): void
  /** Whether it can still be ended so. */
  canEnd(how: 'finish' | 'reset'): boolean
  failed(error: Error): void
}

/**
 * One direction of a link: items in order, from one side through the faults to the other.
 *
 * 1. What its source pushed is delivered, held by a stage, or was dropped: `#inFlight` and the other side's queue say how much is on its way.
 * 2. The source is read for as long as that is less than the limit, in bytes and in items.
 * 3. `END` or `RST` is delivered once, and last; then the lane is over, and whatever still comes goes nowhere. A fault that
 *    is pending then can still end the link.
 * 4. One thing at a time: a fault that is healed from within another one leaves once that has returned, in the same turn.
 */
export class Lane implements SlotLane, Receiver {
  readonly direction: Direction
  readonly from: Side
  readonly to: Side
  /** Its source has sent FIN or RST. */
  entered = false
  over = false
  /** The last bytes that its source sent. */
  recent: Recent | undefined
  /** How the link ends when the `END` that is under way is delivered; `undefined`: that is its own direction's alone. */
  endsLinkAs: 'finish' | 'reset' | undefined
  readonly #owner: LaneOwner
  readonly #slots: Slot[] = []
  readonly #sink: Receiver = { push: (item) => this.#deliver(item) }
  #inFlight = 0
  #items = 0
  #delivered = 0
  #stopped = false
  #lookTimer: NodeJS.Timeout | undefined
  /** How many bytes have come in this turn; `undefined`: none, or no fault is on. */
  #turnBytes: number | undefined
  #restsUntilNextTurn = false
  /** How many parts of faults are running, one within the other. */
  #running = 0
  #afterwards: (() => void)[] = []

  constructor(owner: LaneOwner, direction: Direction, from: Side, to: Side) {
    this.#owner = owner
    this.direction = direction
    this.from = from
    this.to = to
  }

  get link(): Link {
    return this.#owner.link
  }

  /** How many bytes were passed on; not those that waited for an upstream which never was there. */
  get bytes(): number {
    return this.#delivered - this.to.lostBytes
  }

  get apart(): boolean {
    return this.#slots.some((slot) => slot.apart)
  }

  push(item: Item): void {
    if (this.over || this.entered) return
    if (typeof item === 'symbol') this.entered = true
    else this.#inFlight += item.length
    const first = this.#slots[0]
    if (first) this.#pushInto(first, item)
    else this.#deliver(item)
    if (!this.#stopped) this.flow()
  }

  /** Gives a fault its place: behind those that are there, so that what it does is not held up by them. */
  insert(trigger: LaneTrigger, looked: () => void): Slot {
    const slot = new Slot(this, this.#sink, trigger, looked)
    if (this.over) slot.endHasPassed()
    const last = this.#slots.at(-1)
    if (last) last.next = slot
    this.#slots.push(slot)
    return slot
  }

  /** Takes a fault out, within this turn and without losing what it holds. `left` is told whether that leaves a gap. */
  remove(slot: Slot, left: (gap: boolean) => void): void {
    if (this.#running > 0) return void this.#afterwards.push(() => this.remove(slot, left))
    if (slot.items > 1) this.gather()
    const gap = slot.heal()
    const at = this.#slots.indexOf(slot)
    if (at >= 0 && (this.over || !slot.hasEnded)) this.#takeOut(at) // else its end may still be on its way, and no data must overtake that
    this.flow()
    left(gap && !this.over)
  }

  /** Nothing more comes through: what is held is dropped, and so is what is still read. */
  close(): void {
    this.over = true
    this.#inFlight = 0
    for (const slot of this.#slots.splice(0)) slot.dispose()
    this.flow()
  }

  run(act: () => void): void {
    this.#running++
    try {
      act()
    } catch (thrown) {
      this.#owner.failed(asError(thrown))
    }
    this.#running--
    this.#doAfterwards()
  }

  gather(): void {
    this.to.gather()
  }

  hasRoomBehind(of: Receiver): boolean {
    let items = this.to.queuedItems
    for (let n = this.#slots.length - 1; n >= 0; n--) {
      items += this.#slots[n]!.items
      if (this.#slots[n] === of) break
    }
    return items < IN_FLIGHT_ITEMS
  }

  release(bytes: number): void {
    this.#inFlight -= bytes
    this.flow()
  }

  holds(items: number): void {
    this.#items += items
  }

  endsAs(how: 'finish' | 'reset'): void {
    if (this.endsLinkAs !== 'reset') this.endsLinkAs = how
    if (this.over) this.#owner.delivered(this, how === 'reset' ? RST : END)
  }

  canEnd(how: 'finish' | 'reset'): boolean {
    return this.#owner.canEnd(how)
  }

  /** Reads its source, or leaves it to the kernel. */
  flow(): void {
    const tooMany = this.#items + this.to.queuedItems >= IN_FLIGHT_ITEMS
    const stop = !this.over && (tooMany || this.#restsUntilNextTurn || this.#inFlight + this.to.queuedBytes >= this.#limit)
    if (this.#lookTimer) clearTimer(this.#lookTimer)
    if (stop && tooMany) this.#lookTimer = setTimer(() => this.flow(), LOOK_MS)
    if (stop === this.#stopped) return
    this.#stopped = stop
    if (stop) this.from.pause()
    else this.from.resume()
  }

  #pushInto(first: Slot, item: Item): void {
    this.#countTurn(item)
    this.#running++
    first.push(item)
    this.#running--
    this.#doAfterwards()
  }

  /** A kernel that has much hands out up to 2 MiB in one turn, and a fault that looks at each byte would hold the loop meanwhile. */
  #countTurn(item: Item): void {
    if (typeof item === 'symbol') return
    if (this.#turnBytes === undefined) {
      nextTurn(() => {
        this.#turnBytes = undefined
        if (!this.#restsUntilNextTurn) return
        this.#restsUntilNextTurn = false
        this.flow()
      })
    }
    this.#turnBytes = (this.#turnBytes ?? 0) + item.length
    if (this.#turnBytes >= TURN_BYTES) this.#restsUntilNextTurn = true
  }

  #doAfterwards(): void {
    if (this.#running > 0 || this.#afterwards.length === 0) return
    for (const act of this.#afterwards.splice(0)) act()
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
      if (this.to.write(item)) this.#delivered += item.length
      if (this.#stopped) this.flow()
      return
    }
    this.over = true
    this.#inFlight = 0
    this.flow()
    const { endsLinkAs } = this
    this.#owner.delivered(this, endsLinkAs === 'reset' ? RST : item)
  }
}
