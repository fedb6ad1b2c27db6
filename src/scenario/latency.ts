import type { Latency } from './report.ts'

/** Sums up round trips, in any order. */
export function latencyOf(roundTripsMs: readonly number[]): Latency {
  const sorted = new Float64Array(roundTripsMs).toSorted()
  const rank = (percent: number): number => sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length)) - 1] ?? NaN
  return {
    min: rank(0),
    mean: sumOf(sorted) / sorted.length,
    p50: rank(50),
    p90: rank(90),
    p99: rank(99),
    max: rank(100),
  }
}

function sumOf(numbers: Float64Array): number {
  let sum = 0
  for (const number of numbers) sum += number
  return sum
}
