import { expect, test } from 'vitest'

import { birthsIn } from '../../src/leaks/registry.ts'
import { Scope } from '../../src/leaks/scope.ts'
import { settle } from '../../src/leaks/settle.ts'
import { holdTracer, runIn } from '../../src/leaks/trace.ts'
import { now } from '../../src/timeline/clock.ts'

/** Judges one leak for each of these, which are known lines or new ones. Resolves to how many were told. */
async function judge(withinMs: number, ...isKnown: boolean[]): Promise<number> {
  const release = holdTracer()
  const scope = new Scope('test')
  const timers = runIn(scope, () => isKnown.map((_, n) => setInterval(() => {}, 60_000 + n)))
  try {
    const found = await settle(
      () => birthsIn(scope),
      { withinMs },
      ({ detail }) => isKnown[Number(/\d+/.exec(detail!)![0]) - 60_000]!,
    )
    return found.length
  } finally {
    for (const timer of timers) clearInterval(timer)
    release()
  }
}

test('what a line has leaked before is not waited for again', async () => {
  const wholeTime = new Promise<string>((resolve) => void setTimeout(() => resolve('waited the whole time'), 5000))
  expect(await Promise.race([judge(5000, true, true), wholeTime])).toBe(2)
})

test.each([[[false]], [[true, false]]])('a new leak is given the whole time, also beside known ones: %j', async (isKnown) => {
  const sinceMs = now()
  expect(await judge(60, ...isKnown)).toBe(isKnown.length)
  expect(now() - sinceMs).toBeGreaterThanOrEqual(60)
})
