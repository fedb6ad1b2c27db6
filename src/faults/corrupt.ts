import type { DatagramContext, Fault, LaneContext, Random, Stage, UdpFault } from '../model/fault.ts'
import type { Item } from '../model/item.ts'
import { checkOptions, integer, type Rules } from '../model/options.ts'
import { makeFault } from './make-fault.ts'

/** So many bytes are hit together: whoever sends that much is hit for sure. */
const BLOCK_BYTES = 8
const BLOCK_BITS = BLOCK_BYTES * 8

export interface CorruptOptions {
  /** How many bits of every 8 bytes are flipped. 1 to 64. Default 1. */
  readonly bits?: number | undefined
}

const RULES: Rules<CorruptOptions> = { bits: integer(1, BLOCK_BITS) }

/** Flips bits, the same ones for the same seed. The length stays. Works on datagrams as well: each is hit in every 8 bytes, and a shorter one too. */
export function corrupt(options: CorruptOptions = {}): Fault & UdpFault {
  checkOptions(options, RULES)
  const { bits = 1 } = options
  return Object.assign(
    makeFault('corrupt', options, (lane) => new Corrupt(lane, bits)),
    { datagram: ({ data, random }: DatagramContext) => [{ afterMs: 0, data: flippedDatagram(data, bits, random) }] },
  )
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
    const from = this.#offset
    this.#offset += item.length
    this.#lane.emit(flipped(item, from, this.#bits, this.#lane.random))
  }

  flush(): void {}

  dispose(): void {}
}

/** Which bits of a block are flipped. One for all: it is drawn and used in one go. */
const MASK = new Uint8Array(BLOCK_BYTES)

/** A copy of bytes that begin at `from` in their stream, with bits flipped. The blocks are the stream's, wherever it is cut. */
function flipped(bytes: Uint8Array, from: number, bits: number, random: Random): Buffer {
  const copy = Buffer.from(bytes) // the given bytes may still be read elsewhere
  const to = from + copy.length
  if (bits === 1) return flipOneEach(copy, from, random)
  for (let block = Math.floor(from / BLOCK_BYTES); block * BLOCK_BYTES < to; block++) {
    drawMask(block, bits, BLOCK_BITS, random)
    flipBlock(copy, block * BLOCK_BYTES - from)
  }
  return copy
}

/** How many blocks one number is drawn for, of 24 bits: where a block has one bit to flip, 6 of them say which. */
const DRAWN_TOGETHER = 4

/** The same for one bit a block, at a tenth of the cost: healing a latency before it may let go of 16 MiB in one turn. */
function flipOneEach(copy: Buffer, from: number, random: Random): Buffer {
  const { length } = copy
  let block = Math.floor(from / BLOCK_BYTES)
  let drawn = drawBits(block, random)
  for (let start = block * BLOCK_BYTES - from; start < length; start += BLOCK_BYTES) {
    const bit = (drawn >>> ((block % DRAWN_TOGETHER) * 6)) & (BLOCK_BITS - 1)
    const at = start + (bit >> 3)
    if (at >= 0 && at < length) copy[at]! ^= 1 << (bit & 7)
    if (++block % DRAWN_TOGETHER === 0) drawn = drawBits(block, random)
  }
  return copy
}

function drawBits(block: number, random: Random): number {
  return Math.floor(random.at(block - (block % DRAWN_TOGETHER)) * 2 ** 24)
}

/** A copy of a datagram with bits flipped. Its last block may be shorter than the others, and is hit all the same. */
function flippedDatagram(bytes: Uint8Array, bits: number, random: Random): Buffer {
  const copy = Buffer.from(bytes)
  for (let start = 0; start < copy.length; start += BLOCK_BYTES) {
    const span = Math.min(BLOCK_BYTES, copy.length - start) * 8
    drawMask(start / BLOCK_BYTES, Math.min(bits, span), span, random)
    flipBlock(copy, start)
  }
  return copy
}

/** Flips what the mask says of the block that begins at `start`, which may be before the bytes, as far as they go. */
function flipBlock(bytes: Buffer, start: number): void {
  const end = Math.min(BLOCK_BYTES, bytes.length - start)
  for (let n = Math.max(0, -start); n < end; n++) bytes[start + n]! ^= MASK[n]!
}

/** Chooses `count` different ones of the first `span` bits of a block. */
function drawMask(block: number, count: number, span: number, random: Random): void {
  MASK.fill(count === BLOCK_BITS ? 0xff : 0)
  if (count === BLOCK_BITS) return
  for (let n = 0; n < count; n++) {
    let bit = Math.floor(random.at(block * BLOCK_BITS + n) * span)
    while ((MASK[bit >> 3]! & (1 << (bit & 7))) !== 0) bit = (bit + 1) % span
    MASK[bit >> 3]! |= 1 << (bit & 7)
  }
}
