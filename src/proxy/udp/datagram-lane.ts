import type { Direction } from '../../model/fault.ts'
import { DatagramSlot, type Datagram, type DatagramReceiver, type SlotLane } from './datagram-slot.ts'
import type { DatagramTrigger } from './datagram-trigger.ts'
import type { Schedule } from './schedule.ts'
import type { UdpInjection } from './udp-injection.ts'

/** How many bytes, and how many datagrams, the faults of one direction of a session may hold; more are dropped, as a kernel drops them. */
export const MAX_HELD_BYTES: number = 8 * 1024 * 1024
export const MAX_HELD_DATAGRAMS = 16_384

/** Whoever has the lane. */
export interface LaneOwner {
  readonly id: number
  readonly schedule: Schedule
  /** A datagram has come out at the far end. */
  deliver(direction: Direction, data: Buffer): void
  triggered(injection: UdpInjection): void
  /** The lane holds all that it may; this one and those that follow are dropped. Called once. */
  overflowed(direction: Direction): void
}

/** One direction of a session: its faults in a row, and what they hold. */
export class DatagramLane implements SlotLane, DatagramReceiver {
  readonly session: number
  readonly direction: Direction
  readonly schedule: Schedule
  readonly #owner: LaneOwner
  readonly #slots: DatagramSlot[] = []
  #received = 0
  #heldBytes = 0
  #heldDatagrams = 0
  #overflowed = false

  constructor(owner: LaneOwner, direction: Direction) {
    this.session = owner.id
    this.direction = direction
    this.schedule = owner.schedule
    this.#owner = owner
  }

  /** How many datagrams have come. */
  get received(): number {
    return this.#received
  }

  get holds(): boolean {
    return this.#heldDatagrams > 0
  }

  /** A datagram comes in at the near end. */
  take(data: Buffer): void {
    const first: DatagramReceiver = this.#slots[0] ?? this
    first.push({ data, number: this.#received++ })
  }

  /** One has passed all faults. */
  push({ data }: Datagram): void {
    this.#owner.deliver(this.direction, data)
  }

  insert(injection: UdpInjection, trigger: DatagramTrigger): void {
    const slot = new DatagramSlot(this, this, injection, trigger)
    const last = this.#slots.at(-1)
    if (last) last.next = slot
    this.#slots.push(slot)
  }

  /** Takes a fault off; what it holds goes on, to the faults behind it. */
  remove(injection: UdpInjection): void {
    const at = this.#slots.findIndex((slot) => slot.injection === injection)
    if (at < 0) return
    const [slot] = this.#slots.splice(at, 1)
    const before = this.#slots[at - 1]
    if (before) before.next = slot!.next
    slot!.release()
  }

  /** Passes on what is held without a due time. */
  releaseEndless(): void {
    for (const slot of this.#slots) slot.releaseEndless()
  }

  hold(bytes: number): boolean {
    if (this.#heldDatagrams >= MAX_HELD_DATAGRAMS || this.#heldBytes + bytes > MAX_HELD_BYTES) {
      if (!this.#overflowed) this.#owner.overflowed(this.direction)
      this.#overflowed = true
      return false
    }
    this.#heldDatagrams++
    this.#heldBytes += bytes
    return true
  }

  release(bytes: number): void {
    this.#heldDatagrams--
    this.#heldBytes -= bytes
  }

  triggered(injection: UdpInjection): void {
    this.#owner.triggered(injection)
  }
}
