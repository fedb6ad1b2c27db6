import type { Leak } from '../../model/leak.ts'
import { shortPath } from '../../timeline/frames.ts'
import { enterScope } from '../trace.ts'
import { addToError } from './add-to-error.ts'
import type { FailOnLeaksOptions } from './suite-options.ts'
import { SuiteWatch, type Verdict } from './suite-watch.ts'

/** What is used of Vitest 3.2, 4 and 5. */
export interface VitestHooks {
  readonly beforeEach: (hook: (context: VitestContext) => void) => void
  readonly beforeAll: (hook: () => () => Promise<void>) => void
  /** From 4.1 on: around the fixtures of a file, too. */
  readonly aroundAll?: ((hook: (run: () => Promise<void>) => Promise<void>) => void) | undefined
}

interface VitestContext {
  readonly task: VitestTask
  readonly onTestFinished: (hook: () => Promise<void>) => void
}

interface VitestTask {
  readonly name: string
  readonly suite?: { readonly name: string; readonly suite?: VitestTask['suite'] } | undefined
  readonly file: VitestFile
  readonly result?: { readonly state: string; readonly errors?: { message: string }[] } | undefined
}

export interface VitestFile {
  readonly filepath: string
  readonly meta: { netgraceLeaks?: Leak[] }
}

/**
 * Makes `failOnLeaks` of Vitest's hooks. It is called in a setup file, or at the top of a test file, before anything is opened.
 *
 * The check by test is the first `onTestFinished` to be registered, in `beforeEach`, and so the last to run: after the
 * fixtures and whatever the test registered. That of the file stands around all of its hooks.
 */
export function failOnLeaksIn({ beforeEach, beforeAll, aroundAll }: VitestHooks): (options?: FailOnLeaksOptions) => void {
  return (options = {}) => {
    const watch = new SuiteWatch(options)
    let file: VitestFile | undefined
    beforeEach(({ task, onTestFinished }) => {
      file = task.file
      const scope = watch.testScope(titleOf(task))
      enterScope(scope)
      if (watch.byTest) onTestFinished(async () => tellTest(await watch.endTest(scope), task))
    })
    const endFile = async (): Promise<void> => tell(await watch.endFile(file ? shortPath(file.filepath) : 'the test file'), file)
    if (aroundAll)
      aroundAll(async (run) => {
        await run()
        await endFile()
      })
    else beforeAll(() => endFile)
  }
}

/** A test that has failed gets no second error: its own is told what it left open. */
function tellTest(verdict: Verdict, { result, file }: VitestTask): void {
  const failed = result?.state === 'fail' ? result.errors?.[0] : undefined
  if (!failed || !verdict.error) return tell(verdict, file)
  addToError(failed, verdict.error.message)
}

function tell({ reported, error }: Verdict, file: VitestFile | undefined): void {
  if (file && reported.length > 0) file.meta.netgraceLeaks = [...(file.meta.netgraceLeaks ?? []), ...reported]
  if (error) throw error
}

function titleOf(task: VitestTask): string {
  const names = [task.name]
  for (let suite = task.suite; suite && suite.name !== ''; suite = suite.suite) names.unshift(suite.name)
  return names.join(' > ')
}
