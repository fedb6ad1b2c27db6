import type { DatagramContext, Fault, LaneContext, Stage, UdpFault } from '../model/fault.ts'
import type { Item } from '../model/item.ts'
import { checkOptions, integer, type Rules } from '../model/options.ts'
import { ItemQueue } from './item-queue.ts'
import { makeFault } from './make-fault.ts'

export interface BandwidthOptions {
  readonly bytesPerSecond: number
}

const RULES: Rules<BandwidthOptions> = { bytesPerSecond: integer(1) }

/** How long one slice may take: what comes out is a flow, not a chunk now and then. */
const SLICE_MS = 20

/** No more than so many bytes a second. The FIN comes behind them. Datagrams pass whole, each when its bytes have had their time. */
export function bandwidth(options: BandwidthOptions): Fault & UdpFault {
  checkOptions(options, RULES)
  integer(1)('bytesPerSecond', options.bytesPerSecond)
  return Object.assign(
    makeFault('bandwidth', options, (lane) => new Bandwidth(lane, options.bytesPerSecond)),
    { datagram: datagramsAt(options.bytesPerSecond / 1000) },
  )
}

/** The same absolute schedule, for each lane of datagrams. */
function datagramsAt(bytesPerMs: number): UdpFault['datagram'] {
  const freeAtMs = new WeakMap<object, number>()
  return (context: DatagramContext) => {
    const { lane, data } = context
    const nowMs = context.now()
    const dueMs = Math.max(nowMs, freeAtMs.get(lane) ?? 0) + data.length / bytesPerMs
    freeAtMs.set(lane, dueMs)
    return [dueMs - nowMs]
  }
}

/**
 * The schedule is absolute: each slice is due when the bytes up to its end have had their time, and one that is late is as
 * much longer, so that late timers add up to nothing. What waits is kept as it came, and is cut when it is due.
 */
class Bandwidth implements Stage {
  readonly #lane: LaneContext
  readonly #bytesPerMs: number
  readonly #sliceBytes: number
  readonly #waiting = new ItemQueue()
  /** When the bytes that were emitted so far have had their time. */
  #freeAtMs = 0

  constructor(lane: LaneContext, bytesPerSecond: number) {
    this.#lane = lane
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#sliceBytes = Math.max(1, Math.floor(this.#bytesPerMs * SLICE_MS))
  }

  push(item: Item): void {
    this.#waiting.push(item)
    if (this.#waiting.size > 1) return
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#lane.now())
    this.#schedule()
  }

  flush(): void {
    for (const item of this.#waiting.takeAll()) this.#lane.emit(item)
    this.#lane.timers.flush()
  }

  dispose(): void {
    this.#waiting.takeAll()
  }

  #schedule(): void {
    this.#lane.timers.at(this.#freeAtMs + this.#plannedBytes() / this.#bytesPerMs, () => this.#emitOne())
  }

  /** The next slice, if it comes in time. */
  #plannedBytes(): number {
    const { first } = this.#waiting
    return typeof first === 'object' ? Math.min(this.#sliceBytes, first.length) : 0
  }

  #emitOne(): void {
    const { first } = this.#waiting
    if (first === undefined) return // a flush came first
    if (typeof first === 'symbol') {
      this.#waiting.replaceFirst(undefined)
      return this.#lane.emit(first)
    }
    const allowed = Math.floor((this.#lane.now() - this.#freeAtMs) * this.#bytesPerMs)
    const slice = first.subarray(0, Math.max(this.#plannedBytes(), allowed))
    this.#freeAtMs += slice.length / this.#bytesPerMs
    this.#waiting.replaceFirst(slice.length < first.length ? first.subarray(slice.length) : undefined)
    this.#lane.emit(slice)
    if (this.#waiting.size > 0) this.#schedule()
  }
}
