import * as vitest from 'vitest'
import { expect, test as base, type TestAPI } from 'vitest'

import { openRig } from './rig/open-rig.ts'
import type { Rig } from './rig/rig.ts'
import type { FailOnLeaksOptions } from './leaks/suite/suite-options.ts'
import { failOnLeaksIn, type VitestHooks } from './leaks/suite/vitest.ts'
import type { EndingKind } from './model/ending.ts'
import type { RigOptions } from './rig/rig-options.ts'
import { toEnd, type ToEndOptions } from './rig/to-end.ts'
import { now } from './timeline/clock.ts'
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

/** What Vitest gives to a fixture of a test; one of a file, or of a worker, gets none of it. */
interface FixtureContext {
  readonly task?: { readonly result?: TaskResult }
  readonly onTestFinished?: (hook: () => Promise<void>) => void
  readonly onTestFailed?: (hook: (context: FailedTest) => void) => void
}

interface FailedTest {
  readonly task: { readonly result?: TaskResult }
}

interface TaskResult {
  readonly state: string
  readonly errors?: { message: string; stack?: string }[]
}

/** A fixture for `test.extend`. */
export interface RigFixture {
  readonly rig: (context: FixtureContext, use: (rig: Rig) => Promise<void>) => Promise<void>
}

/** Rigs that serve several tests. */
const shared = new Set<Rig>()

/**
 * The fixture `rig` with options: `test.extend(rigWith({ graceMs: 200 }))`.
 *
 * The rig closes when the test has ended, also by a timeout, after its hooks and the fixtures that stand on it. What the
 * closing throws fails the test. A test that has failed already gets no second error; to its own the story is added: what
 * happened on every connection, on one clock.
 *
 * One rig for all tests of a file: `test.extend({ rig: [rigWith({}).rig, { scope: 'file' }] })`. It closes behind the last of them, and
 * what the closing throws fails the file. A test that fails gets the part of the story that happened during that test.
 */
export function rigWith(options: RigOptions): RigFixture {
  return {
    // Read where a file declares its fixtures, which is where hooks for its tests can be registered.
    get rig() {
      vitest.beforeEach(tellShared)
      return fixtureOf(options)
    },
  }
}

function fixtureOf(options: RigOptions): RigFixture['rig'] {
  // Vitest reads from the first parameter which fixtures are needed
  return async ({ task, onTestFinished, onTestFailed }, use) => {
    const rig = openRig(options)
    if (!task || !onTestFinished || !onTestFailed) {
      shared.add(rig)
      await use(rig)
      shared.delete(rig)
      return rig.close()
    }
    // not behind use(): Vitest 4 reports what a fixture's teardown throws twice
    onTestFinished(async () => {
      const failed = task.result?.state === 'fail'
      await rig.close().catch((error: unknown) => {
        if (!failed) throw error
      })
    })
    onTestFailed(storyOf(task, (error) => addStory(error, rig.timeline)))
    await use(rig)
  }
}

/** For each test: if it fails, what happened meanwhile on rigs that serve several. */
function tellShared({ task, onTestFailed }: Required<FixtureContext>): void {
  const sinceMs = now()
  onTestFailed(
    storyOf(task, (error) => {
      for (const { timeline } of shared) {
        if (!timeline.hasMoved(sinceMs)) continue
        timeline.recordWaits(sinceMs)
        addStory(error, timeline, sinceMs)
      }
    }),
  )
}

/** Gives the first error of this attempt at a test, which may be retried: its errors are gathered. */
function storyOf({ result }: FailedTest['task'], tell: (error: { message: string; stack?: string }) => void): (failed: FailedTest) => void {
  const before = result?.errors?.length ?? 0
  return ({ task }) => {
    const error = task.result?.errors?.[before]
    if (error) tell(error)
  }
}

/** The fixture `rig`, for a `test` that has others already: `base.extend(rigFixture)`. See {@link rigWith}. */
export const rigFixture: RigFixture = rigWith({})

/**
 * Called in a setup file, or at the top of a test file, before anything is opened: fails each file, or each test
 * (`at: 'test'`), for what is left open; `mode: 'report'` fails nothing, and `netgrace/reporter` tells it at the end of the run.
 */
export const failOnLeaks: (options?: FailOnLeaksOptions) => void = failOnLeaksIn({
  test: base,
  beforeAll: vitest.beforeAll,
  beforeEach: await beforeFixtures(),
  aroundAll: (vitest as Partial<VitestHooks>).aroundAll, // Vitest 3 and 4.0 have none
})

/** Vitest's `test` with a {@link Rig} as its fixture `rig`. */
export const test: TestAPI<RigFixtures> = base.extend<RigFixtures>({ rig: fixtureOf({}) })
export { test as it }

/** Vitest's own `beforeEach` opens the fixtures with `auto: true` first, outside of the test's scope. */
async function beforeFixtures(): Promise<VitestHooks['beforeEach']> {
  const { TestRunner } = vitest as { readonly TestRunner?: Partial<SuiteApi> }
  const suite = ['vitest', 'suite'].join('/') // until 4.0: Vitest 5 has none, and a bundler is not to look for it
  const { getCurrentSuite } = TestRunner?.getCurrentSuite
    ? TestRunner
    : await (import(suite) as Promise<Partial<SuiteApi>>).catch((): Partial<SuiteApi> => ({}))
  return getCurrentSuite
    ? (hook) => getCurrentSuite().on('beforeEach', hook)
    : (hook) => vitest.beforeEach((context) => hook(context as never))
}

interface SuiteApi {
  readonly getCurrentSuite: () => { on(event: 'beforeEach', hook: Parameters<VitestHooks['beforeEach']>[0]): void }
}
