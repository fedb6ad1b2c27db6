import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { faults } from '../../src/faults/faults.ts'
import type { Fault } from '../../src/model/fault.ts'
import { END, type Item, RST } from '../../src/model/item.ts'
import { Bench } from './bench.ts'

interface Promises {
  /** It gives what it was given. */
  readonly keeps: 'all' | 'length' | 'nothing'
  /** It ends its lane by itself, at once. */
  readonly ends?: typeof END | typeof RST
}

const EVERY: readonly (readonly [name: string, fault: Fault, promises: Promises])[] = [
  ['latency', faults.latency({ ms: 30 }), { keeps: 'all' }],
  ['latency with jitter', faults.latency({ ms: 10, jitterMs: 20 }), { keeps: 'all' }],
  ['latency of nothing', faults.latency({ ms: 0 }), { keeps: 'all' }],
  ['loss', faults.loss({ share: 0.3, rtoMs: 10 }), { keeps: 'all' }],
  ['loss of all packets', faults.loss({ share: 1, rtoMs: 1 }), { keeps: 'all' }],
  ['bandwidth', faults.bandwidth({ bytesPerSecond: 5000 }), { keeps: 'all' }],
  ['stall', faults.stall(), { keeps: 'all' }],
  ['blackhole', faults.blackhole(), { keeps: 'nothing' }],
  ['reset', faults.reset(), { keeps: 'nothing', ends: RST }],
  ['end', faults.end(), { keeps: 'nothing', ends: END }],
  ['slowClose', faults.slowClose({ ms: 40 }), { keeps: 'all' }],
  ['slicer', faults.slicer({ size: 7, variation: 3, gapMs: 2 }), { keeps: 'all' }],
  ['slicer without gaps', faults.slicer({ size: 1 }), { keeps: 'all' }],
  ['corrupt', faults.corrupt({ bits: 5 }), { keeps: 'length' }],
]

const chunk = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes))
const step = fc.record({ chunk, waitMs: fc.integer({ min: 0, max: 50 }) })
const life = fc.record({
  steps: fc.array(step, { maxLength: 20 }),
  last: fc.constantFrom(undefined, END, RST),
  restMs: fc.integer({ max: 200, min: 0 }),
})

describe.each(EVERY)('%s', (_name, fault, { keeps, ends }) => {
  test('emits what was pushed, in order, less what it says it dropped; END or RST once, and last; and holds nothing back from a flush', () => {
    fc.assert(
      fc.property(life, ({ steps, last, restMs }) => {
        const bench = new Bench(fault)
        const pushed: Buffer[] = []
        if (!ends) {
          for (const { chunk: bytes, waitMs } of steps) {
            pushed.push(bytes)
            bench.push(Buffer.from(bytes)).advance(waitMs)
          }
          if (last) bench.push(last)
        }
        bench.advance(restMs)
        bench.stage.flush()
        const atFlush = bench.out.length
        bench.advance(1e9) // nothing comes by itself any more
        bench.stage.dispose()

        const all = Buffer.concat(pushed)
        expect(bench.out).toHaveLength(atFlush)
        expect(bench.bytes.length + bench.droppedBytes).toBe(all.length)
        if (keeps === 'all') expect(bench.bytes.equals(all)).toBe(true)
        if (keeps !== 'nothing') expect(bench.droppedBytes).toBe(0)
        const symbols = bench.out.filter(({ item }) => typeof item === 'symbol').map(({ item }) => item)
        expect(symbols).toStrictEqual(ends ? [ends] : keeps === 'nothing' || !last ? [] : [last])
        if (symbols.length > 0) expect(typeof bench.out.at(-1)!.item).toBe('symbol')
      }),
      { numRuns: 200 },
    )
  })

  test('gives everything in time, without a flush', () => {
    if (keeps === 'nothing' || fault.name === 'stall') return
    fc.assert(
      fc.property(life, ({ steps, last }) => {
        const bench = new Bench(fault)
        for (const { chunk: bytes, waitMs } of steps) bench.push(Buffer.from(bytes)).advance(waitMs)
        if (last) bench.push(last)
        bench.advance(60_000)
        expect(bench.bytes).toHaveLength(steps.reduce((sum, { chunk: bytes }) => sum + bytes.length, 0))
        expect(bench.timers.size).toBe(0)
      }),
      { numRuns: 50 },
    )
  })

  test('leaves what it was given as it was', () => {
    const given = Buffer.from('untouched, whoever looks at it later')
    const before = Buffer.from(given)
    const bench = new Bench(fault)
    if (!ends) bench.push(given).advance(1000).stage.flush()
    expect(given.equals(before)).toBe(true)
  })
})

test('what corrupt flips is decided by the byte, not by how the bytes came', () => {
  const cut = (bytes: Buffer, at: readonly number[]): Item[] => {
    const borders = [0, ...at.map((one) => one % bytes.length).toSorted((a, b) => a - b), bytes.length]
    return borders.slice(1).map((to, n) => bytes.subarray(borders[n], to))
  }
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), fc.array(fc.nat(), { maxLength: 10 }), (given, at) => {
      const bytes = Buffer.from(given)
      const whole = new Bench(faults.corrupt({ bits: 3 }), 7).push(bytes).bytes
      const pieces = new Bench(faults.corrupt({ bits: 3 }), 7).push(...cut(bytes, at)).bytes
      expect(pieces.equals(whole)).toBe(true)
    }),
  )
})
