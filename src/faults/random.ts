import type { Random } from '../model/fault.ts'

/** FNV-1a over the parts, which cannot run into each other, and a finish that spreads every bit. */
export function seedOf(...parts: readonly (string | number)[]): number {
  let hash = 0x811c9dc5
  for (const character of JSON.stringify(parts)) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193)
  return spread(hash)
}

/**
 * Numbers addressed by position instead of drawn in a row.
 *
 * A generator with a state would give the third chunk the third number, and where a stream is cut into chunks differs
 * from run to run; hashing the position makes the byte decide. (Which is why this is not a package.)
 */
export class Seeded implements Random {
  readonly #key: number
  #drawn = 0

  constructor(key: number) {
    this.#key = key
  }

  next(): number {
    return this.at(-++this.#drawn)
  }

  at(position: number): number {
    const high = position >= 0 && position < 2 ** 32 ? 0 : Math.floor(position / 2 ** 32)
    return spread(spread(this.#key ^ (position | 0)) ^ Math.imul(high, 0x9e3779b1)) / 2 ** 32
  }
}

/** The finisher of MurmurHash3: each bit of the input moves half of the output's. */
function spread(value: number): number {
  let h = (value + 0x9e3779b9) | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
