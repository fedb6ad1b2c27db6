import type { Fault, LaneContext, Stage, UdpFault } from '../model/fault.ts'
import type { Item } from '../model/item.ts'
import { makeFault } from './make-fault.ts'

/** Holds everything; both ends stay open. Healing releases it, and nothing is lost. Works on datagrams as well. */
export function stall(): Fault & UdpFault {
  return Object.assign(
    makeFault('stall', {}, (lane) => new Stall(lane)),
    { datagram: () => [Infinity] },
  )
}

class Stall implements Stage {
  readonly #lane: LaneContext
  #held: Item[] = []

  constructor(lane: LaneContext) {
    this.#lane = lane
  }

  push(item: Item): void {
    this.#held.push(item)
  }

  flush(): void {
    const held = this.#held
    this.#held = []
    for (const item of held) this.#lane.emit(item)
  }

  dispose(): void {
    this.#held = []
  }
}
