import type { DatagramContext, Fault, LaneContext, Random, Stage, UdpFault } from '../model/fault.ts'
import { type Item, sizeOf } from '../model/item.ts'
import { checkOptions, duration, type Rules } from '../model/options.ts'
import { makeFault } from './make-fault.ts'

export interface LatencyOptions {
  /** How much later everything comes. Milliseconds. */
  readonly ms: number
  /** So much more or less. Milliseconds. Default 0. */
  readonly jitterMs?: number | undefined
}

const RULES: Rules<LatencyOptions> = { ms: duration, jitterMs: duration }

/** With 1 MiB in flight 100 ms of latency would be a limit of 10 MB/s, too. */
const IN_FLIGHT_BYTES = 16 * 1024 * 1024

/** Everything comes later, the FIN too, and in its order. Works on datagrams as well: a constant delay keeps their order, with jitter one may overtake another. */
export function latency(options: LatencyOptions): Fault & UdpFault {
  checkOptions(options, RULES)
  duration('ms', options.ms)
  return Object.assign(
    makeFault('latency', options, (lane) => new Latency(lane, options), { inFlightBytes: IN_FLIGHT_BYTES }),
    { datagram: ({ random }: DatagramContext) => [delay(options, random, 0)] },
  )
}

class Latency implements Stage {
  readonly #lane: LaneContext
  readonly #options: LatencyOptions
  #offset = 0

  constructor(lane: LaneContext, options: LatencyOptions) {
    this.#lane = lane
    this.#options = options
  }

  push(item: Item): void {
    const lane = this.#lane
    lane.timers.at(lane.now() + delay(this.#options, lane.random, this.#offset), () => lane.emit(item))
    this.#offset += sizeOf(item)
  }

  flush(): void {
    this.#lane.timers.flush()
  }

  dispose(): void {}
}

/** The jitter belongs to the offset at which a chunk begins: one that comes in two pieces moves no other's. */
function delay({ ms, jitterMs = 0 }: LatencyOptions, random: Random, offset: number): number {
  return jitterMs === 0 ? ms : Math.max(0, ms + (2 * random.at(offset) - 1) * jitterMs)
}
