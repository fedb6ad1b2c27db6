import type { Fault, LaneContext, Stage } from '../model/fault.ts'
import { type Item, sizeOf } from '../model/item.ts'
import { makeFault } from './make-fault.ts'

/** Swallows data, FIN and RST; both ends stay open. Healing it resets the links that lost something. */
export function blackhole(): Fault {
  return makeFault('blackhole', {}, (lane) => new Blackhole(lane))
}

class Blackhole implements Stage {
  readonly #lane: LaneContext

  constructor(lane: LaneContext) {
    this.#lane = lane
  }

  push(item: Item): void {
    this.#lane.drop(sizeOf(item))
  }

  flush(): void {}

  dispose(): void {}
}
