import { expect, test } from 'vitest'

import { holdTracer, runIn } from '../../src/leaks/trace.ts'
import { birthsIn } from '../../src/leaks/registry.ts'
import { Scope } from '../../src/leaks/scope.ts'
import { settle } from '../../src/leaks/settle.ts'

/** Whether judging ends before a timer of the whole time, which began with it, fires. */
async function endsEarly(withinMs: number, ...isKnown: boolean[]): Promise<boolean> {
  const release = holdTracer()
  const scope = new Scope('test')
  const timers = runIn(scope, () => isKnown.map((_, n) => setInterval(() => {}, 60_000 + n)))
  const all = new Promise<boolean>((resolve) => void setTimeout(() => resolve(false), withinMs))
  const found = settle(
    () => birthsIn(scope),
    { withinMs },
    ({ detail }) => isKnown[Number(/\d+/.exec(detail!)![0]) - 60_000]!,
  )
  try {
    return await Promise.race([all, found.then((leaks) => leaks.length === isKnown.length)])
  } finally {
    for (const timer of timers) clearInterval(timer)
    release()
  }
}

test('what a line has leaked before is not waited for again', async () => {
  expect(await endsEarly(5000, true, true)).toBe(true)
})

test('a new leak is given the whole time, also beside known ones', async () => {
  expect(await endsEarly(60, false)).toBe(false)
  expect(await endsEarly(60, true, false)).toBe(false)
})
