import * as vitest from 'vitest'
import { expect, test as base, type TestAPI } from 'vitest'

import { openRig } from './rig/open-rig.ts'
import type { Rig } from './rig/rig.ts'
import type { FailOnLeaksOptions } from './leaks/suite/suite-options.ts'
import { failOnLeaksIn, type VitestHooks } from './leaks/suite/vitest.ts'
import type { EndingKind } from './model/ending.ts'
import type { RigOptions } from './rig/rig-options.ts'
import { toEnd, type ToEndOptions } from './rig/to-end.ts'
import { addStory } from './rig/story-in-error.ts'

export type { FailOnLeaksOptions } from './leaks/suite/suite-options.ts'
export type { Rig } from './rig/rig.ts'
export type { RigOptions, RigServerOptions } from './rig/rig-options.ts'

declare global {
  // eslint-disable-next-line typescript/no-namespace -- the one place that Vitest 3, 4 and 5 all take matchers from
  namespace Chai {
    interface Assertion {
      /**
       * `await expect(client).toEnd('reset', { by: 'peer' })`: waits for the ending of a client or a connection. A failure
       * tells what happened on every connection of its rig.
       */
      toEnd(kind: EndingKind, options?: ToEndOptions): Promise<void>
    }
  }
}

expect.extend({ toEnd })

/** What the fixture gives to a test. */
export interface RigFixtures {
  /** The parts of this test; taken down when it ends, however it ends. */
  rig: Rig
}

interface FixtureContext {
  readonly task: { readonly result?: TaskResult }
  readonly onTestFinished: (hook: () => Promise<void>) => void
  readonly onTestFailed: (hook: (context: { task: { result?: TaskResult } }) => void) => void
}

interface TaskResult {
  readonly state: string
  readonly errors?: { message: string }[]
}

/** A fixture for `test.extend`. */
export interface RigFixture {
  rig(context: FixtureContext, use: (rig: Rig) => Promise<void>): Promise<void>
}

/**
 * The fixture `rig` with options: `test.extend(rigWith({ graceMs: 200 }))`.
 *
 * The rig closes when the test has ended, also by a timeout, after its hooks and the fixtures that stand on it. What the
 * closing throws fails the test. A test that has failed already gets no second error; its own is told the story: what
 * happened on every connection, on one clock.
 */
export function rigWith(options: RigOptions): RigFixture {
  return {
    // Vitest reads from this parameter which fixtures are needed
    rig: async ({ task, onTestFinished, onTestFailed }, use) => {
      const rig = openRig(options)
      const before = task.result?.errors?.length ?? 0 // those of earlier attempts at a test that is retried
      // not behind use(): Vitest 4 reports what a fixture's teardown throws twice
      onTestFinished(async () => {
        const failed = task.result?.state === 'fail'
        await rig.close().catch((error: unknown) => {
          if (!failed) throw error
        })
      })
      onTestFailed((context) => {
        const error = context.task.result?.errors?.[before]
        if (error) addStory(error, rig.timeline)
      })
      await use(rig)
    },
  }
}

/** The fixture `rig`, for a `test` that has others already: `base.extend(rigFixture)`. See {@link rigWith}. */
export const rigFixture: RigFixture = rigWith({})

/**
 * Called in a setup file, or at the top of a test file, before anything is opened: fails each file, or each test
 * (`at: 'test'`), for what is left open; `mode: 'report'` fails nothing, and `netgrace/reporter` tells it at the end of the run.
 */
export const failOnLeaks: (options?: FailOnLeaksOptions) => void = failOnLeaksIn({
  beforeAll: vitest.beforeAll,
  beforeEach: vitest.beforeEach,
  aroundAll: (vitest as Partial<VitestHooks>).aroundAll, // Vitest 3 and 4.0 have none
})

/** Vitest's `test` with a {@link Rig} as its fixture `rig`. */
export const test: TestAPI<RigFixtures> = base.extend<RigFixtures>(rigFixture)
export { test as it }
