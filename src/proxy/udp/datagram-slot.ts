import type { Direction } from '../../model/fault.ts'
import { now } from '../../timeline/clock.ts'
import type { Schedule, Scheduled } from './schedule.ts'
import type { DatagramTrigger } from './datagram-trigger.ts'
import type { UdpInjection } from './udp-injection.ts'

/** A datagram on its way, and which one of its direction it is. */
export interface Datagram {
  readonly data: Buffer
  readonly number: number
}

/** Takes datagrams on their way. */
export interface DatagramReceiver {
  push(datagram: Datagram): void
}

/** What a slot needs of the lane it is in. */
export interface SlotLane {
  readonly session: number
  readonly direction: Direction
  readonly schedule: Schedule
  /** Counts copies that wait in a slot. `false`: the lane holds too much already, and this one is dropped. */
  hold(bytes: number): boolean
  release(bytes: number): void
  /** A fault has triggered here. */
  triggered(injection: UdpInjection): void
}

interface Held {
  readonly datagram: Datagram
  /** `undefined`: until the fault is healed. */
  readonly scheduled: Scheduled | undefined
}

/** One fault's place in one direction of a session. While it is not active it passes datagrams on, and its trigger looks at them. */
export class DatagramSlot implements DatagramReceiver {
  next: DatagramReceiver
  readonly injection: UdpInjection
  readonly #lane: SlotLane
  readonly #trigger: DatagramTrigger
  /** In the order in which they were given. */
  readonly #held = new Set<Held>()
  #holdsEndlessly = true

  constructor(lane: SlotLane, next: DatagramReceiver, injection: UdpInjection, trigger: DatagramTrigger) {
    this.#lane = lane
    this.next = next
    this.injection = injection
    this.#trigger = trigger
  }

  push(datagram: Datagram): void {
    const { session, direction } = this.#lane
    const acts = this.injection.acts(direction)
    if (acts) this.injection.cameBy(datagram.data.length)
    if (!acts || !this.#trigger.isActive(direction)) {
      this.#trigger.saw(direction, datagram.data)
      return this.next.push(datagram)
    }
    const verdict = this.injection.verdict({ session, direction, number: datagram.number, data: datagram.data, lane: this })
    if (!verdict) return this.next.push(datagram)
    this.#lane.triggered(this.injection)
    for (const copy of verdict) {
      if (typeof copy === 'number') this.#pass(datagram, copy)
      else this.#pass({ ...datagram, data: asBuffer(copy.data) }, copy.afterMs)
    }
  }

  /** Passes on all that is held, in the order of its due times; what is held until the healing comes last. */
  release(): void {
    const dueMs = ({ scheduled }: Held): number => scheduled?.dueMs ?? Infinity
    const held = [...this.#held].toSorted((a, b) => (dueMs(a) === dueMs(b) ? 0 : dueMs(a) - dueMs(b)))
    for (const one of held) {
      one.scheduled?.cancel()
      this.#deliver(one)
    }
  }

  /** Passes on what only the healing would release, now and from now on: the proxy stops, and no healing will come. */
  releaseEndless(): void {
    this.#holdsEndlessly = false
    for (const one of this.#held) if (!one.scheduled) this.#deliver(one)
  }

  #pass(datagram: Datagram, afterMs: number): void {
    if (afterMs === 0 || (afterMs === Infinity && !this.#holdsEndlessly)) return this.next.push(datagram)
    if (!this.#lane.hold(datagram.data.length)) return
    const scheduled = afterMs === Infinity ? undefined : this.#lane.schedule.at(now() + afterMs, () => this.#deliver(held))
    const held: Held = { datagram, scheduled }
    this.#held.add(held)
  }

  #deliver(held: Held): void {
    this.#held.delete(held)
    this.#lane.release(held.datagram.data.length)
    this.next.push(held.datagram)
  }
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data)
}
