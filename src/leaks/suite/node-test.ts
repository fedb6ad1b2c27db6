import type { Leak } from '../../model/leak.ts'
import { shortPath } from '../../timeline/frames.ts'
import { currentScope, onTestDeclared, runIn } from '../trace.ts'
import { tellRows } from './run-table.ts'
import type { FailOnLeaksOptions } from './suite-options.ts'
import { SuiteWatch, type Verdict } from './suite-watch.ts'

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
    const watch = new SuiteWatch(options)
    const declared = new Set<Test>()
    const reported: Leak[] = []
    let root: Test | undefined
    const tell = (verdict: Verdict): void => {
      reported.push(...verdict.reported)
      if (verdict.error) throw verdict.error
    }
    onTestDeclared((test) => declared.add(test as Test))
    beforeEach(() => {
      for (const test of declared) {
        root ??= rootOf(test)
        if (test.constructor.name === 'Test') scoped(test, watch, tell)
      }
      declared.clear()
      moveToEnd(root?.hooks?.after, endFile)
    })
    const endFile = async (): Promise<void> => {
      const file = shortPath(process.argv[1] ?? 'the test file')
      const verdict = await watch.endFile(file)
      watch.unrefAll()
      tell(verdict)
      tellRows(reported.map((leak) => ({ leak, testFile: file })))
    }
    after(endFile)
  }
}

/** Behind the hooks that were registered meanwhile, which close what the file shares; and under the name of the test file. */
function moveToEnd(hooks: Hook[] | undefined, fn: unknown): void {
  const hook = hooks?.find((one) => one.fn === fn)
  if (!hooks || !hook) return
  hooks.push(...hooks.splice(hooks.indexOf(hook), 1))
  if (hook.loc && process.argv[1] !== undefined) hook.loc.file = process.argv[1]
}

function scoped(test: Test, watch: SuiteWatch, tell: (verdict: Verdict) => void): void {
  const { fn } = test
  if (typeof fn !== 'function') return
  const inScope: typeof fn = function (context, ...rest) {
    const scope = watch.testScope(titleOf(test), currentScope())
    if (watch.byTest) context.after(() => context.after(async () => tell(await watch.endTest(scope))))
    return runIn(scope, () => Reflect.apply(fn, this, [context, ...rest]))
  }
  // A function of two parameters is handed a callback.
  test.fn = Object.defineProperty(inScope, 'length', { value: fn.length })
}

function rootOf(test: Test): Test {
  return test.parent ? rootOf(test.parent) : test
}

function titleOf(test: Test): string {
  return test.parent?.parent ? `${titleOf(test.parent)} > ${test.name}` : test.name
}
