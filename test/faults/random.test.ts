import { expect, test } from 'vitest'

import { faults } from '../../src/faults/faults.ts'
import { seedOf, Seeded } from '../../src/faults/random.ts'
import { Bench } from './bench.ts'

// A seed in last year's failure fails the same way today: these figures never change.

test('a seed is the same hash for ever', () => {
  expect([seedOf(), seedOf(42, 'a'), seedOf(1, 2, 'downstream')]).toStrictEqual([1347459654, 322172829, 4142637783])
})

test('a seed gives the same numbers for ever', () => {
  const random = new Seeded(seedOf(42, 'latency({"ms":5})', 0, 'upstream'))
  expect([random.next(), random.next(), random.next()]).toStrictEqual([0.5957361734472215, 0.9910432030446827, 0.30676253675483167])
  expect([0, 1, 7, 65_535, 2 ** 31, 2 ** 32, 2 ** 32 + 7, 2 ** 40].map((at) => random.at(at))).toStrictEqual([
    0.9645578905474395, 0.6107153464108706, 0.3068700972944498, 0.9768757517449558, 0.7156286302488297, 0.010453112190589309,
    0.09261012240312994, 0.28147271391935647,
  ])
})

test('a seed flips the same bits and cuts the same pieces for ever', () => {
  expect(new Bench(faults.corrupt({ bits: 3 }), 42).push(Buffer.alloc(16)).bytes.toString('hex')).toBe('08000000000220001000000100800000')
  const pieces = new Bench(faults.slicer({ size: 10, variation: 9 }), 42).push(Buffer.alloc(60)).out
  expect(pieces.map(({ item }) => (item as Buffer).length)).toStrictEqual([16, 10, 10, 14, 10])
})
