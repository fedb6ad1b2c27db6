import type { Fault, LaneContext, Stage } from '../model/fault.ts'
import type { Item } from '../model/item.ts'
import { checkOptions, duration, integer, type Rules } from '../model/options.ts'
import { wrongValue } from '../model/invalid.ts'
import { makeFault } from './make-fault.ts'

export interface SlicerOptions {
  /** How many bytes a piece has. */
  readonly size: number
  /** So many more or less; less than `size`. Default 0. */
  readonly variation?: number
  /** How long after the piece before it a piece comes. Milliseconds. Default 0. */
  readonly gapMs?: number
}

const RULES: Rules<SlicerOptions> = { size: integer(1), variation: integer(0), gapMs: duration }

/** Cuts what comes into small pieces, with gaps: for readers that take a chunk for a message. */
export function slicer(options: SlicerOptions): Fault {
  checkOptions(options, RULES)
  integer(1)('size', options.size)
  if ((options.variation ?? 0) >= options.size) throw wrongValue('variation', `less than size, which is ${options.size}`, options.variation)
  return makeFault('slicer', options, (lane) => new Slicer(lane, options))
}

class Slicer implements Stage {
  readonly #lane: LaneContext
  readonly #options: SlicerOptions
  #offset = 0
  #lastDueMs = -Infinity

  constructor(lane: LaneContext, options: SlicerOptions) {
    this.#lane = lane
    this.#options = options
  }

  push(item: Item): void {
    if (typeof item === 'symbol') return this.#emitInTurn(item, 0)
    for (let from = 0; from < item.length;) {
      const piece = item.subarray(from, from + this.#size())
      from += piece.length
      this.#offset += piece.length
      this.#emitInTurn(piece, this.#options.gapMs ?? 0)
    }
  }

  flush(): void {
    this.#lane.timers.flush()
  }

  dispose(): void {}

  #size(): number {
    const { size, variation = 0 } = this.#options
    return size + Math.round((2 * this.#lane.random.at(this.#offset) - 1) * variation)
  }

  #emitInTurn(item: Item, gapMs: number): void {
    const lane = this.#lane
    this.#lastDueMs = Math.max(this.#lastDueMs + gapMs, lane.now())
    lane.timers.at(this.#lastDueMs, () => lane.emit(item))
  }
}
