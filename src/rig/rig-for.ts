import { tellStory } from '../timeline/story.ts'
import { openRig } from './open-rig.ts'
import type { Rig } from './rig.ts'
import type { RigOptions } from './rig-options.ts'

/** What a rig needs of a test: the context of `node:test` has it. */
export interface TestContextLike {
  after(hook: () => Promise<void>): void
  /** Whether the test has passed so far. */
  readonly passed?: boolean
  diagnostic?(message: string): void
}

/**
 * A rig for one test of `node:test`, closed by a hook of that test: `const rig = rigFor(t)`.
 *
 * What the closing throws fails the test, but one that has failed already gets no second error. A test that failed either
 * way is told the story, as a diagnostic: what happened on every connection, on one clock.
 */
export function rigFor(t: TestContextLike, options: RigOptions = {}): Rig {
  const rig = openRig(options)
  t.after(async () => {
    let failed = t.passed === false
    try {
      await rig.close()
    } catch (error) {
      if (failed) return
      failed = true
      throw error
    } finally {
      if (failed) t.diagnostic?.(`netgrace: ${tellStory(rig.timeline)}`)
    }
  })
  return rig
}
