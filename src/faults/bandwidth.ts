import type { DatagramContext, Fault, LaneContext, Stage, UdpFault } from '../model/fault.ts'
import type { Item } from '../model/item.ts'
import { checkOptions, integer, type Rules } from '../model/options.ts'
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

/** The schedule is absolute: each slice is due when the bytes up to its end have had their time, so that late timers add up to nothing. */
class Bandwidth implements Stage {
  readonly #lane: LaneContext
  readonly #bytesPerMs: number
  readonly #sliceBytes: number
  #freeAtMs = 0

  constructor(lane: LaneContext, bytesPerSecond: number) {
    this.#lane = lane
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#sliceBytes = Math.max(1, Math.floor(this.#bytesPerMs * SLICE_MS))
  }

  push(item: Item): void {
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#lane.now())
    if (typeof item === 'symbol') return this.#emitWhenFree(item)
    for (let from = 0; from < item.length; from += this.#sliceBytes) {
      const slice = item.subarray(from, from + this.#sliceBytes)
      this.#freeAtMs += slice.length / this.#bytesPerMs
      this.#emitWhenFree(slice)
    }
  }

  flush(): void {
    this.#lane.timers.flush()
  }

  dispose(): void {}

  #emitWhenFree(item: Item): void {
    this.#lane.timers.at(this.#freeAtMs, () => this.#lane.emit(item))
  }
}
