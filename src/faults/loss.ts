import type { DatagramContext, Fault, LaneContext, Random, Stage, UdpFault } from '../model/fault.ts'
import { type Item, RST } from '../model/item.ts'
import { checkOptions, integer, type Rules } from '../model/options.ts'
import { probability } from '../model/where.ts'
import { makeFault } from './make-fault.ts'

export interface LossOptions {
  /** The share of packets that are lost. 0 to 1. */
  readonly share: number
  /** How long the sender waits before it sends a lost packet again; twice as long each further time. Milliseconds. Default 200, Linux's least. */
  readonly rtoMs?: number | undefined
}

const RULES: Rules<LossOptions> = { share: probability, rtoMs: integer(1) }

const DEFAULT_RTO_MS = 200

/** What one packet carries. Bytes: an Ethernet's 1,500 less the headers. */
const PACKET_BYTES = 1460

/** A packet gets through at the latest when it is sent again for the sixth time: after 63 times `rtoMs`. */
const MOST_LOSSES = 6

/** Delays of this size need as much in flight as a latency does. */
const IN_FLIGHT_BYTES = 16 * 1024 * 1024

/**
 * Packet loss as TCP shows it: nothing is missing, but a lost packet, and all behind it, comes when it has been sent again.
 * A chunk is a packet, a longer one several; the FIN is one, too. Datagrams are lost for good, as with `drop` and a probability.
 */
export function loss(options: LossOptions): Fault & UdpFault {
  checkOptions(options, RULES)
  probability('share', options.share)
  return Object.assign(
    makeFault('loss', options, (lane) => new Loss(lane, options), { inFlightBytes: IN_FLIGHT_BYTES }),
    { datagram: ({ random }: DatagramContext) => (random.next() < options.share ? [] : [0]) },
  )
}

class Loss implements Stage {
  readonly #lane: LaneContext
  readonly #share: number
  readonly #rtoMs: number
  #offset = 0

  constructor(lane: LaneContext, { share, rtoMs = DEFAULT_RTO_MS }: LossOptions) {
    this.#lane = lane
    this.#share = share
    this.#rtoMs = rtoMs
  }

  /** Packets that come together go on together: what is not lost waits for no more than for those before it. */
  push(item: Item): void {
    if (typeof item === 'symbol') return this.#emit(item, item === RST ? 0 : this.#losses()) // a RST is sent once
    let [start, count] = [0, 0]
    for (let from = 0; from < item.length; from += PACKET_BYTES) {
      const lost = this.#losses()
      if (lost > 0 && from > 0) {
        this.#emit(item.subarray(start, from), count)
        start = from
      }
      if (start === from) count = lost
      this.#offset += Math.min(PACKET_BYTES, item.length - from)
    }
    this.#emit(start === 0 ? item : item.subarray(start), count)
  }

  flush(): void {
    this.#lane.timers.flush()
  }

  dispose(): void {}

  /** How many times in a row the next packet is lost. */
  #losses(): number {
    return losses(this.#share, this.#lane.random, this.#offset)
  }

  /** The queue keeps the order: what is behind a late packet waits for it. */
  #emit(packets: Item, lost: number): void {
    const lane = this.#lane
    lane.timers.at(lane.now() + this.#rtoMs * (2 ** lost - 1), () => lane.emit(packets))
  }
}

/** How many times in a row the packet that begins at `offset` is lost. It belongs to the offset, so other chunk borders move no other packet's. */
function losses(share: number, random: Random, offset: number): number {
  let count = 0
  while (count < MOST_LOSSES && random.at(offset * MOST_LOSSES + count) < share) count++
  return count
}
