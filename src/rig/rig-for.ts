import { wrongType } from '../model/invalid.ts'
import { now } from '../timeline/clock.ts'
import { HEADING, tellStory } from '../timeline/story.ts'
import { shareWithJest, type JestHooks } from './jest-hooks.ts'
import { forMochaSuite, forMochaTest, isMochaContext, type MochaHookContext } from './mocha-hooks.ts'
import { suiteHooks, type SuiteContextLike, type SuiteHooks, type TestContextLike } from './node-suite.ts'
import { openRig } from './open-rig.ts'
import type { Rig } from './rig.ts'
import type { RigOptions } from './rig-options.ts'

/**
 * A rig for one test, or for all of a suite, closed by a hook of that test or suite.
 *
 * - `node:test`: `const rig = rigFor(t)`, with the `t` of a test, of `beforeEach()`, or, for a whole suite or file, of `before()`; in
 *   the `before()` of a `describe()`, call it before anything is awaited.
 * - Mocha: `rig = rigFor(this)`, in a test, in `beforeEach` or, for a whole suite, in `before`.
 * - Jest: `const rig = rigFor({ afterAll })` at the top of a file or of a `describe`. With `testEnvironment: 'netgrace/jest'` its
 *   tests have their stories.
 *
 * What the closing throws fails the test, or the suite; a test that has failed already gets no second error. To a test that failed
 * the story is added, or printed as a diagnostic: what happened on every connection, on one clock; of a rig that serves several
 * tests, what happened since the one before.
 */
export function rigFor(context: TestContextLike | SuiteContextLike | MochaHookContext | JestHooks, options: RigOptions = {}): Rig {
  if (typeof context !== 'object' || context === null) throw wrongType('context', 'the context of a test, or of a hook', context)
  if ('afterAll' in context) return shareWithJest(openRig(options), context)
  if (isMochaContext(context)) {
    const open = context.test.type === 'hook' && context.test.title.startsWith('"before all" hook') ? forMochaSuite : forMochaTest
    return open(context, () => openRig(options))
  }
  if ('after' in context && context.name !== '<root>') return forTest(context, openRig(options))
  const hooks = 'after' in context && context.afterEach ? (context as SuiteHooks) : suiteHooks()
  if (!hooks) {
    throw wrongType('context', 'the context of a test or of a hook, given before anything is awaited where the hook is before()', context)
  }
  return forSuite(hooks, openRig(options))
}

function forTest(t: TestContextLike, rig: Rig): Rig {
  t.after(async () => {
    const failed = t.passed === false
    const error = await rig.close().then(
      () => undefined,
      (thrown: Error) => thrown,
    )
    if (failed) diagnose(t, tellStory(rig.timeline))
    else if (error) {
      diagnose(t, tellStory(rig.timeline, { error: error.message }))
      throw error
    }
  })
  return rig
}

function forSuite(hooks: SuiteHooks, rig: Rig): Rig {
  const { timeline } = rig
  let sinceMs = now()
  hooks.afterEach((t) => {
    if (t.passed === false && timeline.hasMoved(sinceMs)) {
      timeline.recordWaits(sinceMs)
      diagnose(t, tellStory(timeline, { sinceMs }))
    }
    sinceMs = now()
  })
  hooks.after(() => rig.close())
  return rig
}

/** What handlers threw and what happened, a diagnostic each. */
function diagnose(t: TestContextLike, story: string): void {
  for (const part of story.split(`\n\n${HEADING}`)) t.diagnostic?.(HEADING + part)
}
