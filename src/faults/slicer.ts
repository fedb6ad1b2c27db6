import type { Fault, LaneContext, Stage } from '../model/fault.ts'
import { type Item, sizeOf } from '../model/item.ts'
import { checkOptions, duration, integer, type Rules } from '../model/options.ts'
import { wrongValue } from '../model/invalid.ts'
import { ItemQueue } from './item-queue.ts'
import { makeFault } from './make-fault.ts'

export interface SlicerOptions {
  /** How many bytes a piece has. */
  readonly size: number
  /** So many more or less; less than `size`. Default 0. */
  readonly variation?: number | undefined
  /** How long after the piece before it a piece comes. Milliseconds. Default 0: in the next turn of the event loop. */
  readonly gapMs?: number | undefined
}

const RULES: Rules<SlicerOptions> = { size: integer(1), variation: integer(0), gapMs: duration }

/** How long to wait before asking again whether the lane has room. */
const NO_ROOM_MS = 5

/**
 * Cuts what comes into small pieces: for readers that take a chunk for a message.
 *
 * No two pieces go out in one turn of the event loop, and none without its gap, even after the loop was held: a reader in this
 * process finds each piece by itself. One in another process finds them so as long as it reads faster than they come.
 */
export function slicer(options: SlicerOptions): Fault {
  checkOptions(options, RULES)
  integer(1)('size', options.size)
  if ((options.variation ?? 0) >= options.size) throw wrongValue('variation', `less than size, which is ${options.size}`, options.variation)
  return makeFault('slicer', options, (lane) => new Slicer(lane, options), { apart: true })
}

/** What waits is kept as it came, and is cut when its turn has come. */
class Slicer implements Stage {
  readonly #lane: LaneContext
  readonly #options: SlicerOptions
  readonly #waiting = new ItemQueue()
  #offset = 0
  #lastMs = -Infinity

  constructor(lane: LaneContext, options: SlicerOptions) {
    this.#lane = lane
    this.#options = options
  }

  push(item: Item): void {
    this.#waiting.push(item)
    if (this.#waiting.size === 1) this.#schedule()
  }

  flush(): void {
    for (const item of this.#waiting.takeAll()) this.#lane.emit(item)
    this.#lane.timers.flush()
  }

  dispose(): void {
    this.#waiting.takeAll()
  }

  #schedule(): void {
    const gapMs = typeof this.#waiting.first === 'symbol' ? 0 : (this.#options.gapMs ?? 0)
    this.#lane.timers.at(Math.max(this.#lastMs + gapMs, this.#lane.now()), () => this.#emitOne())
  }

  #emitOne(): void {
    const { first } = this.#waiting
    if (first === undefined) return // a flush came first
    if (!this.#lane.hasRoom) return this.#lane.timers.at(this.#lane.now() + NO_ROOM_MS, () => this.#emitOne())
    const piece = typeof first === 'symbol' ? first : first.subarray(0, this.#size())
    const size = sizeOf(piece)
    this.#waiting.replaceFirst(typeof first === 'symbol' || size === first.length ? undefined : first.subarray(size))
    this.#offset += size
    this.#lastMs = this.#lane.now()
    this.#lane.emit(piece)
    if (this.#waiting.size > 0) this.#schedule()
  }

  #size(): number {
    const { size, variation = 0 } = this.#options
    return size + Math.round((2 * this.#lane.random.at(this.#offset) - 1) * variation)
  }
}
