import { currentResource } from '../leaks/trace.ts'

/** What a rig needs of a test: the context of `node:test` has it. */
export interface TestContextLike {
  after(hook: () => Promise<void>): void
  afterEach?(hook: (t: TestContextLike) => void): void
  readonly name?: string
  /** Whether the test has passed so far. */
  readonly passed?: boolean
  diagnostic?(message: string): void
}

/** What `node:test` gives to the `before()` of a `describe()`. */
export interface SuiteContextLike {
  readonly name: string
  readonly signal: AbortSignal
}

/** The hooks of a suite, as far as a rig uses them. */
export interface SuiteHooks {
  after(hook: () => Promise<void>): void
  afterEach(hook: (t: TestContextLike) => void): void
}

/** What is looked at of the hook of `node:test` that is running, an async resource; the same from 20 to 26. */
interface RunningHook {
  readonly parentTest?: { runInAsyncScope<T>(act: () => T): T }
}

/**
 * The hooks of the suite whose `before()` is running. What `node:test` gives to that has no hooks, and its own register with what
 * is running, which is the hook: so they are called from within the suite. `undefined` once the hook has awaited something.
 */
export function suiteHooks(): SuiteHooks | undefined {
  const suite = (currentResource() as RunningHook | undefined)?.parentTest
  if (typeof suite?.runInAsyncScope !== 'function') return undefined
  const { after, afterEach } = process.getBuiltinModule('node:test')
  return {
    after: (hook) => suite.runInAsyncScope(() => after(hook)),
    afterEach: (hook) => suite.runInAsyncScope(() => afterEach((t) => hook(t as never))),
  }
}
