import { fileURLToPath } from 'node:url'

import { throwAll } from '../../lifetime/throw-all.ts'
import { shortPath } from '../../timeline/frames.ts'
import { currentScope, onTestDeclared, runIn } from '../trace.ts'
import { tellRows } from './run-table.ts'
import type { FailOnLeaksOptions } from './suite-options.ts'
import { SuiteWatch } from './suite-watch.ts'
import type { TableRow } from './table.ts'

/** What is used of `node:test`. */
export interface NodeTestHooks {
  readonly beforeEach: (hook: () => void) => void
  readonly after: (hook: () => Promise<void>) => void
}

interface Context {
  readonly after: (hook: () => unknown) => void
}

/** What is looked at of Node's `Test`; the same from 20 to 26. Without it tests have no scope, and the file is checked all the same. */
interface Test {
  fn?: (this: unknown, context: Context, ...rest: unknown[]) => unknown
  readonly name: string
  readonly parent?: Test | null
  readonly hooks?: { readonly after?: Hook[] }
  readonly loc?: { readonly file?: string }
  readonly isTodo?: boolean
  /** From Node 24 on: a test that is to fail. */
  readonly expectFailure?: unknown
}

interface Hook {
  readonly fn?: unknown
  readonly loc?: { file?: string }
}

/**
 * Makes `failOnLeaks` of the hooks of `node:test`. It is called at the top of a test file, or in one that `--import` names.
 *
 * No hook of `node:test` shares its async context with the test, so the scope goes around the test's own function. Its
 * hooks run oldest first, so each check moves behind those that were registered meanwhile.
 */
export function failOnLeaksIn({ beforeEach, after }: NodeTestHooks): (options?: FailOnLeaksOptions) => void {
  return (options = {}) => {
    const declared = new Set<Test>()
    /** By title. A filter may leave a test out. */
    const notRun = new Set<string>()
    const reported: TableRow[] = []
    let root: Test | undefined
    let hasEnded = false
    // With `--test-isolation=none` one process runs all files, and its argument is none of them.
    let file = process.argv[1]
    const fileName = (): string => (file === undefined ? 'the test file' : shortPath(file))
    const watch = new SuiteWatch(options, {
      release: 'everything', // node:test waits for the process to end by itself
      fileOf: fileName,
      tell(rows) {
        if (hasEnded) tellRows(rows) // a test that timed out may be judged later than its file
        else for (const row of rows) reported.push(row)
      },
      isSkipped: (name) => notRun.has(name),
    })
    onTestDeclared((test) => declared.add(test as Test))
    beforeEach(() => {
      for (const test of declared) {
        if (test.constructor.name !== 'Test' || !test.parent) continue // a hook is one as well, and so is the root
        root ??= rootOf(test)
        file = fileOf(test) ?? file
        watch.runs(fileName())
        scoped(test, watch, notRun)
      }
      declared.clear()
      moveToEnd(root?.hooks?.after, afterAll, file)
    })
    running.push(async () => {
      const error = await watch.endFile(fileName())
      hasEnded = true
      tellRows(reported)
      return error
    })
    // A hook of its own, since each is moved.
    const afterAll = (): Promise<void> => endFiles()
    after(afterAll)
  }
}

/** What ends each file of this process: one, but for `--test-isolation=none`. */
const running: (() => Promise<Error | undefined>)[] = []

/** All at once: after a hook that throws Node calls no other. */
async function endFiles(): Promise<void> {
  const errors: Error[] = []
  for (const end of running.splice(0)) {
    const error = await end()
    if (error) errors.push(error)
  }
  // From Node 22 on a hook of the file that throws does not fail a process which is not the child of `node --test`.
  if (errors.length > 0) process.exitCode ||= 1
  throwAll(errors, `${errors.length} test files left something open`)
}

/** Behind the hooks that were registered meanwhile, which close what the file shares; and under the name of the test file. */
function moveToEnd(hooks: Hook[] | undefined, fn: unknown, file: string | undefined): void {
  const hook = hooks?.find((one) => one.fn === fn)
  if (!hooks || !hook) return
  hooks.splice(hooks.indexOf(hook), 1)
  hooks.push(hook)
  if (hook.loc && file !== undefined) hook.loc.file = file
}

function scoped(test: Test, watch: SuiteWatch, notRun: Set<string>): void {
  const { fn } = test
  if (typeof fn !== 'function') return
  notRun.add(titleOf(test))
  const inScope: typeof fn = function (context, ...rest) {
    notRun.delete(titleOf(test))
    const scope = watch.testScope(titleOf(test), currentScope())
    if (watch.byTest && !mayFail(test)) context.after(() => context.after(() => endTest(watch, scope)))
    return runIn(scope, () => Reflect.apply(fn, this, [context, ...rest]))
  }
  // A function of two parameters is handed a callback.
  test.fn = Object.defineProperty(inScope, 'length', { value: fn.length })
}

/** What such a test leaves open is told at the end of the file, where an error is one. */
function mayFail({ isTodo, expectFailure }: Test): boolean {
  return isTodo === true || Boolean(expectFailure)
}

async function endTest(watch: SuiteWatch, scope: ReturnType<SuiteWatch['testScope']>): Promise<void> {
  const error = await watch.endTest(scope)
  if (error) throw error
}

function fileOf({ loc }: Test): string | undefined {
  return loc?.file?.startsWith('file:') ? fileURLToPath(loc.file) : loc?.file
}

function rootOf(test: Test): Test {
  return test.parent ? rootOf(test.parent) : test
}

function titleOf(test: Test): string {
  return test.parent?.parent ? `${titleOf(test.parent)} > ${test.name}` : test.name
}
