import { addToError } from '../leaks/suite/add-to-error.ts'
import { now } from '../timeline/clock.ts'
import { tellStory } from '../timeline/story.ts'
import type { Rig } from './rig.ts'
import { addStory } from './story-in-error.ts'

/** What is used of Mocha's `this` in a hook or a test, from 10 on. */
export interface MochaHookContext {
  readonly test: MochaRunnable
  readonly currentTest?: MochaRunnable
  timeout(ms: number): unknown
}

interface MochaRunnable {
  readonly type: string
  readonly title: string
  readonly parent: MochaSuite
  readonly err?: Error
  isFailed?(): boolean
  /** Fails the test that a hook belongs to; what a hook throws would end the suite. */
  error?(error: Error): void
}

interface MochaSuite {
  afterEach(title: string, hook: (this: MochaHookContext) => Promise<void>): void
  afterAll(title: string, hook: (this: MochaHookContext) => Promise<void>): void
}

/** The rigs of the test that is running in each suite; they share one hook. */
const running = new WeakMap<MochaSuite, Rig[]>()

const TITLE = 'netgrace: the rig closes'

export function isMochaContext(context: object): context is MochaHookContext {
  const { parent } = ((context as Partial<MochaHookContext>).test ?? {}) as Partial<MochaRunnable>
  return typeof parent?.afterEach === 'function' && typeof parent.afterAll === 'function'
}

/** Called in a test, or in `beforeEach`. */
export function forMochaTest({ test }: MochaHookContext, open: () => Rig): Rig {
  const rig = open()
  const rigs = running.get(test.parent)
  if (rigs) {
    rigs.push(rig)
    return rig
  }
  const ofSuite = [rig]
  running.set(test.parent, ofSuite)
  test.parent.afterEach(TITLE, async function () {
    this.timeout(0) // it has a bound of its own
    for (const one of ofSuite.splice(0).toReversed()) await closeAfter(this, one)
  })
  return rig
}

/** Called in `before`. */
export function forMochaSuite({ test }: MochaHookContext, open: () => Rig): Rig {
  const rig = open()
  const { timeline } = rig
  let sinceMs = now()
  test.parent.afterEach('netgrace: the story of the test', async function () {
    const { currentTest } = this
    if (currentTest?.isFailed?.() && currentTest.err && timeline.hasMoved(sinceMs)) {
      timeline.recordWaits(sinceMs)
      addStory(currentTest.err, timeline, sinceMs)
    }
    sinceMs = now()
  })
  test.parent.afterAll(TITLE, async function () {
    this.timeout(0)
    await rig.close()
  })
  return rig
}

async function closeAfter({ test, currentTest }: MochaHookContext, rig: Rig): Promise<void> {
  const failed = currentTest?.isFailed?.() === true
  const error = await rig.close().then(
    () => undefined,
    (thrown: Error) => thrown,
  )
  if (failed && currentTest.err) addStory(currentTest.err, rig.timeline)
  else if (error) {
    addToError(error, tellStory(rig.timeline, { error: error.message }))
    test.error?.(error)
  }
}
