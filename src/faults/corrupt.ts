import type { Fault, LaneContext, Random, Stage } from '../model/fault.ts'
import type { Item } from '../model/item.ts'
import { checkOptions, integer, type Rules } from '../model/options.ts'
import { makeFault } from './make-fault.ts'

/** So many bytes are hit together: whoever sends that much is hit for sure. */
const BLOCK_BYTES = 8
const BLOCK_BITS = BLOCK_BYTES * 8

export interface CorruptOptions {
  /** How many bits of every 8 bytes are flipped. 1 to 64. Default 1. */
  readonly bits?: number
}

const RULES: Rules<CorruptOptions> = { bits: integer(1, BLOCK_BITS) }

/** Flips bits, the same ones for the same seed. The length stays. */
export function corrupt(options: CorruptOptions = {}): Fault {
  checkOptions(options, RULES)
  return makeFault('corrupt', options, (lane) => new Corrupt(lane, options.bits ?? 1))
}

class Corrupt implements Stage {
  readonly #lane: LaneContext
  readonly #bits: number
  #offset = 0

  constructor(lane: LaneContext, bits: number) {
    this.#lane = lane
    this.#bits = bits
  }

  push(item: Item): void {
    if (typeof item === 'symbol') return this.#lane.emit(item)
    const flipped = Buffer.from(item) // whoever gave it may still look at it
    const [from, to] = [this.#offset, this.#offset + item.length]
    for (let block = Math.floor(from / BLOCK_BYTES); block * BLOCK_BYTES < to; block++) {
      for (const bit of bitsOf(block, this.#bits, this.#lane.random)) {
        const at = block * BLOCK_BYTES + (bit >> 3) - from
        if (at >= 0 && at < flipped.length) flipped[at]! ^= 1 << (bit & 7)
      }
    }
    this.#offset = to
    this.#lane.emit(flipped)
  }

  flush(): void {}

  dispose(): void {}
}

/** Which bits of a block are flipped: `count` different ones. */
function bitsOf(block: number, count: number, random: Random): Iterable<number> {
  const bits = new Set<number>()
  for (let n = 0; n < count; n++) {
    let bit = Math.floor(random.at(block * BLOCK_BITS + n) * BLOCK_BITS)
    while (bits.has(bit)) bit = (bit + 1) % BLOCK_BITS
    bits.add(bit)
  }
  return bits
}
