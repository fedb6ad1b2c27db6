import { now } from '../../timeline/clock.ts'
import { shortPath } from '../../timeline/frames.ts'
import type { Scope } from '../scope.ts'
import { runIn } from '../trace.ts'
import { addToError } from './add-to-error.ts'
import { tellRows } from './run-table.ts'
import { sharedRigs } from './shared-rigs.ts'
import type { FailOnLeaksOptions } from './suite-options.ts'
import { SuiteWatch } from './suite-watch.ts'

/** What is used of a Jest environment: 29 and 30. */
export interface JestEnvironment {
  setup(): Promise<void>
  teardown(): Promise<void>
  handleTestEvent?(event: JestEvent, state: JestState): Promise<void> | void
  /** The global object of the tests. */
  readonly global?: object
}

/** Whatever of its arguments it looks at. */
export type JestEnvironmentClass = new (...args: never[]) => JestEnvironment

interface JestConfig {
  readonly projectConfig: { readonly testEnvironmentOptions: Readonly<Record<string, unknown>> }
}

interface JestContext {
  readonly testPath: string
}

/** What is looked at of jest-circus. */
export interface JestEvent {
  readonly name: string
  readonly test?: JestTest
}

export interface JestState {
  readonly currentlyRunningTest: JestTest | null
  readonly rootDescribeBlock: JestBlock
  readonly unhandledErrors: unknown[]
}

interface JestTest {
  readonly type: 'test'
  readonly name: string
  readonly parent: JestBlock
  readonly concurrent: boolean
  readonly errors: unknown[]
  fn?: JestFunction
}

interface JestBlock {
  readonly type: 'describeBlock'
  readonly name: string
  readonly parent?: JestBlock
  readonly children: readonly (JestBlock | JestTest)[]
  readonly hooks: readonly { readonly type: string; fn: JestFunction }[]
}

type JestFunction = (this: unknown, ...args: unknown[]) => unknown

/**
 * An environment that fails what it runs for what is left open. It lives outside of the context in which Jest runs the tests, so
 * it needs nothing of how these are loaded, and sees the handles of all of them.
 *
 * jest-circus awaits `handleTestEvent`: `test_done` comes after the hooks of a test, `run_finish` after the last `afterAll`.
 */
export function leakEnvironment(Base: JestEnvironmentClass, options: FailOnLeaksOptions): JestEnvironmentClass {
  return class LeakEnvironment extends Base {
    readonly #options: FailOnLeaksOptions
    readonly #testFile: string
    readonly #scopes = new Map<JestTest, Scope>()
    readonly #skipped = new Set<string>()
    readonly #startedAtMs = new WeakMap<JestTest, number>()
    #watch: SuiteWatch | undefined

    constructor(config: JestConfig, context: JestContext) {
      super(...([config, context] as never[]))
      this.#options = { ...options, ...(config.projectConfig.testEnvironmentOptions['failOnLeaks'] as FailOnLeaksOptions | undefined) }
      this.#testFile = shortPath(context.testPath)
    }

    override async setup(): Promise<void> {
      await super.setup()
      this.#watch = new SuiteWatch(this.#options, {
        release: 'what leaked',
        fileOf: () => this.#testFile,
        tell: tellRows,
        isSkipped: (name) => this.#skipped.has(name),
      })
      this.#watch.runs(this.#testFile)
    }

    /** Some events are sent by code that does not wait: what `Base` does at once stays so. */
    override handleTestEvent(event: JestEvent, state: JestState): Promise<void> | void {
      const handled = super.handleTestEvent?.(event, state)
      switch (event.name) {
        case 'run_start':
          this.#scopeAll(state.rootDescribeBlock, state)
          return handled
        case 'test_skip':
        case 'test_todo':
          this.#skipped.add(titleOf(event.test!))
          return handled
        case 'test_start':
          this.#startedAtMs.set(event.test!, now())
          return handled
        case 'test_done':
          this.#tellRigs(event.test!)
          return Promise.resolve(handled).then(() => this.#endTest(event.test!))
        case 'run_finish':
          return Promise.resolve(handled).then(() => this.#endFile(state))
        default:
          return handled
      }
    }

    override async teardown(): Promise<void> {
      this.#watch?.stop()
      await super.teardown()
    }

    #scopeAll(block: JestBlock, state: JestState): void {
      for (const hook of block.hooks) {
        if (!hook.type.endsWith('Each')) continue
        // of tests that run at once nobody says whose hook it is
        hook.fn = this.#scoped(hook.fn, () => (state.currentlyRunningTest?.concurrent ? undefined : state.currentlyRunningTest))
      }
      for (const child of block.children) {
        if (child.type === 'describeBlock') this.#scopeAll(child, state)
        else if (child.fn) child.fn = this.#scoped(child.fn, () => child)
      }
    }

    #scoped(fn: JestFunction, testOf: () => JestTest | null | undefined): JestFunction {
      if (fn.constructor.name === 'GeneratorFunction') return fn
      const scopeOf = (test: JestTest): Scope => this.#scopeOf(test)
      const inScope: JestFunction = function (...args) {
        const test = testOf()
        return test ? runIn(scopeOf(test), () => Reflect.apply(fn, this, args)) : Reflect.apply(fn, this, args)
      }
      // A function of one parameter is handed a callback.
      return Object.defineProperty(inScope, 'length', { value: fn.length })
    }

    #scopeOf(test: JestTest): Scope {
      const scope = this.#scopes.get(test) ?? this.#watch!.testScope(titleOf(test))
      this.#scopes.set(test, scope)
      return scope
    }

    /** Rigs that serve several tests, see {@link sharedRigs}: a test that failed has what happened on them meanwhile. */
    #tellRigs(test: JestTest): void {
      if (test.errors.length === 0) return
      for (const rig of sharedRigs(this.global ?? {})) {
        const story = rig.storySince(this.#startedAtMs.get(test) ?? 0)
        if (story !== undefined) addToFailure(test.errors[0], story)
      }
    }

    async #endTest(test: JestTest): Promise<void> {
      const scope = this.#scopes.get(test)
      this.#scopes.delete(test) // one that is run again has a new one
      if (!scope || !this.#watch?.byTest) return
      const error = await this.#watch.endTest(scope)
      if (error && !addToFailure(test.errors[0], error.message)) test.errors.push(error)
    }

    async #endFile(state: JestState): Promise<void> {
      if (!this.#watch) return
      const error = await this.#watch.endFile(this.#testFile)
      if (error) state.unhandledErrors.push(error)
    }
  }
}

/** Whether there is one to add to. jest-circus keeps what was thrown, which for a time-out is a string, in a pair with where that was. */
function addToFailure(failure: unknown, text: string): boolean {
  const thrown: unknown = Array.isArray(failure) ? failure[0] : failure
  if (isErrorLike(thrown)) return addToError(thrown, text)
  if (typeof thrown === 'string' && Array.isArray(failure)) failure[0] = `${thrown}\n\nnetgrace: ${text}\n`
  else return false
  return true
}

/** Of whatever context: an `Error` of the tests is none of ours. */
function isErrorLike(thrown: unknown): thrown is Error {
  return typeof thrown === 'object' && thrown !== null && typeof (thrown as Error).message === 'string'
}

function titleOf({ name, parent }: JestTest | JestBlock): string {
  return parent?.parent ? `${titleOf(parent)} > ${name}` : name
}
