import type { Fault, LaneContext, Stage } from '../model/fault.ts'
import { END, type Item } from '../model/item.ts'
import { checkOptions, duration, type Rules } from '../model/options.ts'
import { makeFault } from './make-fault.ts'

export interface SlowCloseOptions {
  /** How much later the FIN comes. Milliseconds. */
  readonly ms: number
}

const RULES: Rules<SlowCloseOptions> = { ms: duration }

/** Delays the FIN, and only that. */
export function slowClose(options: SlowCloseOptions): Fault {
  checkOptions(options, RULES)
  duration('ms', options.ms)
  return makeFault('slowClose', options, (lane) => new SlowClose(lane, options.ms))
}

class SlowClose implements Stage {
  readonly #lane: LaneContext
  readonly #ms: number

  constructor(lane: LaneContext, ms: number) {
    this.#lane = lane
    this.#ms = ms
  }

  push(item: Item): void {
    const lane = this.#lane
    if (item === END) lane.timers.at(lane.now() + this.#ms, () => lane.emit(END))
    else lane.emit(item)
  }

  flush(): void {
    this.#lane.timers.flush()
  }

  dispose(): void {}
}
