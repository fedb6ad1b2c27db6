import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { latencyOf } from '../../src/scenario/latency.ts'

test('percentiles are by exact nearest rank: each is a round trip that happened', () => {
  expect(latencyOf([15, 20, 35, 40, 50])).toEqual({ min: 15, mean: 32, p50: 35, p90: 50, p99: 50, max: 50 })
  expect(latencyOf(Array.from({ length: 100 }, (_, n) => 100 - n))).toEqual({ min: 1, mean: 50.5, p50: 50, p90: 90, p99: 99, max: 100 })
  expect(latencyOf(Array.from({ length: 10 }, (_, n) => n + 1))).toMatchObject({ p50: 5, p90: 9, p99: 10 })
  expect(latencyOf([10, 9, 100])).toMatchObject({ min: 9, p50: 10, max: 100 }) // as numbers, not as text
})

test('one round trip is all of them, and none is NaN', () => {
  expect(latencyOf([7])).toEqual({ min: 7, mean: 7, p50: 7, p90: 7, p99: 7, max: 7 })
  expect(latencyOf([])).toEqual({ min: NaN, mean: NaN, p50: NaN, p90: NaN, p99: NaN, max: NaN })
})

test('a percentile has at least so many round trips at or below it, and the one before it has not', () => {
  const times = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(times, (all) => {
      const { p50, p90, p99 } = latencyOf(all)
      for (const [percent, at] of [
        [50, p50],
        [90, p90],
        [99, p99],
      ] as const) {
        expect(all).toContain(at)
        expect(all.filter((ms) => ms <= at).length * 100).toBeGreaterThanOrEqual(percent * all.length)
        expect(all.filter((ms) => ms < at).length * 100).toBeLessThan(percent * all.length)
      }
    }),
  )
})
