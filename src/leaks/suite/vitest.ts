import type { Leak } from '../../model/leak.ts'
import { shortPath } from '../../timeline/frames.ts'
import type { Scope } from '../scope.ts'
import { enterScope } from '../trace.ts'
import { addToError } from './add-to-error.ts'
import type { FailOnLeaksOptions } from './suite-options.ts'
import { processScope, SuiteWatch } from './suite-watch.ts'
import { scopeFixtures, type Extendable } from './vitest-fixtures.ts'

/** What is used of Vitest 3.2, 4 and 5. */
export interface VitestHooks {
  readonly test: Extendable
  /** Called with the context of the test, before any fixture is opened where Vitest allows it. */
  readonly beforeEach: (hook: (context: VitestContext) => void) => void
  readonly beforeAll: (hook: () => () => Promise<void>) => void
  /** From 4.1 on: around the fixtures of a file, too. */
  readonly aroundAll?: ((hook: (run: () => Promise<void>) => Promise<void>) => void) | undefined
}

export interface VitestContext {
  readonly task: VitestTest
  readonly onTestFinished: (hook: () => Promise<void>) => void
}

interface VitestTest extends VitestTask {
  readonly file: VitestFile
  /** `test.fails`: any error makes it pass. */
  readonly fails?: boolean | undefined
  readonly result?: {
    readonly state: string
    readonly errors?: { message: string }[]
    readonly retryCount?: number
    readonly repeatCount?: number
  }
}

interface VitestTask {
  readonly name: string
  readonly mode?: string
  readonly suite?: VitestTask | undefined
  /** Of a suite. */
  readonly tasks?: readonly VitestTask[]
}

export interface VitestFile extends VitestTask {
  readonly filepath: string
  readonly meta: { netgraceLeaks?: Leak[] }
}

/** The scope of each test's latest try: a setup file and a test file may both have asked for the check. */
const tries = new WeakMap<VitestTest, { readonly attempt: string; readonly scope: Scope }>()

/**
 * Makes `failOnLeaks` of Vitest's hooks. It is called in a setup file, or at the top of a test file, before anything is opened.
 *
 * The check by test is the first `onTestFinished` to be registered, in `beforeEach`, and so the last to run: after the
 * fixtures and whatever the test registered. That of the file stands around all of its hooks.
 */
export function failOnLeaksIn({ test, beforeEach, beforeAll, aroundAll }: VitestHooks): (options?: FailOnLeaksOptions) => void {
  return (options = {}) => {
    // A worker's fixtures are closed when no file is judged any more.
    scopeFixtures(test, { file: undefined, worker: processScope })
    let file: VitestFile | undefined
    const fileName = (): string => (file ? shortPath(file.filepath) : 'the test file')
    const watch = new SuiteWatch(options, {
      release: 'nothing', // Vitest ends its workers itself
      fileOf: fileName,
      tell(rows) {
        if (file) file.meta.netgraceLeaks = [...(file.meta.netgraceLeaks ?? []), ...rows.map(({ leak }) => leak)]
      },
      // From 4.1 on: opens fixtures with `scope: 'file'` or `'worker'`, also those declared before failOnLeaks() was called.
      isSharedBy: (name) => name === 'resolveScopeFixtureValue',
      isSkipped: (name) => testsOf(file).some((one) => titleOf(one) === name && one.mode === 'skip'),
    })
    beforeEach(({ task, onTestFinished }) => {
      file = task.file
      watch.runs(fileName())
      const scope = watch.testScope(titleOf(task), outerScope(task))
      tries.set(task, { attempt: attemptOf(task), scope })
      enterScope(scope)
      // What a test that is to fail leaves open is told at the end of the file, where an error is one.
      if (watch.byTest && task.fails !== true) onTestFinished(async () => failTest(await watch.endTest(scope), task))
    })
    const endFile = async (): Promise<void> => {
      const error = await watch.endFile(fileName())
      if (error) throw error
    }
    if (aroundAll)
      aroundAll(async (run) => {
        await run()
        await endFile()
      })
    else beforeAll(() => endFile)
  }
}

function outerScope(task: VitestTest): Scope | undefined {
  const latest = tries.get(task)
  return latest?.attempt === attemptOf(task) ? latest.scope : undefined
}

function attemptOf({ result }: VitestTest): string {
  return `${result?.repeatCount ?? 0} ${result?.retryCount ?? 0}`
}

function failTest(error: Error | undefined, { result }: VitestTest): void {
  if (!error) return
  const failure = result?.state === 'fail' ? result.errors?.[0] : undefined
  if (!failure || !addToError(failure, error.message)) throw error
}

function titleOf(task: VitestTask): string {
  const names = [task.name]
  for (let suite = task.suite; suite && suite.name !== ''; suite = suite.suite) names.unshift(suite.name)
  return names.join(' > ')
}

function testsOf(task: VitestTask | undefined): readonly VitestTask[] {
  return (task?.tasks ?? []).flatMap((child) => (child.tasks ? testsOf(child) : child))
}
