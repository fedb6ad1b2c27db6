import { expect, test } from 'vitest'

import { planOf } from '../../src/scenario/scenario-options.ts'

const LONGEST_TIMER_MS = 2 ** 31 - 1

test('by default a scenario is over before the 5,000 ms that a test may take, and has time for its messages and pauses', () => {
  expect(planOf({}).timeoutMs).toBeLessThan(4500)
  expect(planOf({ messages: 11, intervalMs: 500 }).timeoutMs).toBeGreaterThanOrEqual(4000 + 5000)
  expect(planOf({ clients: 1000, messages: 1000 }).timeoutMs).toBeGreaterThan(1_000_000)
})

test('however long the pauses are, a timer can hold it', () => {
  expect(planOf({ messages: 1000, intervalMs: LONGEST_TIMER_MS }).timeoutMs).toBe(LONGEST_TIMER_MS)
})
