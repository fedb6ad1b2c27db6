import type { Leak } from '../../model/leak.ts'
import { checkOptions } from '../../model/options.ts'
import { shortPath, slashed } from '../../timeline/frames.ts'
import type { Scope } from '../scope.ts'
import { enterScope } from '../trace.ts'
import { addToError } from './add-to-error.ts'
import { gatheredRows, gatherRows, printTable, tellRows } from './run-table.ts'
import { suiteRules, type FailOnLeaksOptions } from './suite-options.ts'
import { SuiteWatch } from './suite-watch.ts'

/** What Mocha's `--require` looks for in a module: root hooks and global fixtures. */
export interface MochaPlugin {
  readonly mochaHooks: () => MochaRootHooks
  readonly mochaGlobalSetup: () => void
  readonly mochaGlobalTeardown: () => void
}

export interface MochaRootHooks {
  readonly beforeAll: MochaHook
  readonly beforeEach: MochaHook
}

export type MochaHook = (this: MochaContext) => Promise<void> | void

/** What is used of Mocha, from 10 on. */
export interface MochaContext {
  /** The hook that is running; `error` fails the test that it belongs to. */
  readonly test?: { title: string; readonly parent?: MochaSuite; error?(error: Error): void }
  readonly currentTest?: MochaTest
  timeout(ms: number): void
}

interface MochaSuite {
  readonly parent?: MochaSuite
  readonly tests?: readonly MochaTest[]
  readonly suites?: readonly MochaSuite[]
  afterEach(title: string, hook: MochaHook): void
  afterAll(title: string, hook: MochaHook): void
}

interface MochaTest {
  readonly file?: string
  /** Unset for one that did not run. */
  readonly state?: string
  /** Set by the reporter. */
  readonly err?: Error
  titlePath(): string[]
  isPassed(): boolean
  isFailed(): boolean
}

const AT_END = 'netgrace: what was left open'

/**
 * Makes a plugin for Mocha's `--require`.
 *
 * Its files share one process, their modules and the hooks outside of any suite. So what a file has opened is judged after the
 * last of these hooks: at the end of the run, and under `--parallel` at the end of each file.
 */
export function leakPlugin(options: FailOnLeaksOptions): MochaPlugin {
  return {
    mochaHooks: () => rootHooks(options),
    mochaGlobalSetup: gatherRows,
    mochaGlobalTeardown: () => printTable(gatheredRows()),
  }
}

/** Called before a test file is loaded. Under `--watch` and `--parallel` the hooks serve one run after another. */
function rootHooks(options: FailOnLeaksOptions): MochaRootHooks {
  checkOptions(options, suiteRules)
  const watchFile = (): SuiteWatch =>
    new SuiteWatch(
      { ...options, ignore: [...(options.ignore ?? []), isOfWatchMode] },
      { release: 'what leaked', fileOf: (leak) => testFileOf(leak) ?? testFile, tell: tellRows, isSkipped: (name) => skipped.has(name) },
    )
  let watch = watchFile()
  let scope: Scope | undefined
  let testFile = 'the test file'
  let skipped = new Set<string>()

  async function endTest(this: MochaContext): Promise<void> {
    const ended = scope
    scope = undefined
    enterScope(undefined)
    const test = this.currentTest
    // one that failed and is neither is run again
    if (!ended || !watch.byTest || !(test?.isPassed() || test?.isFailed())) return
    this.timeout(0)
    const error = await watch.endTest(ended)
    if (!error || (test.isFailed() && test.err && addToError(test.err, error.message))) return
    this.test?.error?.(error) // thrown, it would end the run
  }

  async function endFile(this: MochaContext): Promise<void> {
    this.timeout(0)
    this.test!.title = AT_END // Mocha has put the name of the last test into it
    skipped = skippedIn(rootOf(this.test?.parent))
    const error = await watch.endFile(process.env['MOCHA_WORKER_ID'] === undefined ? 'the run' : testFile)
    watch = watchFile()
    if (error) throw error
  }

  return {
    beforeAll() {
      // registered now, they come behind those of the files
      this.test?.parent?.afterEach('netgrace: what the test left open', endTest)
      this.test?.parent?.afterAll(AT_END, endFile)
    },
    beforeEach() {
      const test = this.currentTest!
      if (test.file !== undefined) testFile = shortPath(test.file)
      watch.runs(testFile)
      scope = watch.testScope(titleOf(test, testFile))
      enterScope(scope)
    },
  }
}

/** `--watch` is Mocha's by way of chokidar. */
function isOfWatchMode({ kind, scope, site }: Leak): boolean {
  return kind === 'fs-watcher' && scope === undefined && site !== undefined && slashed(site.file).includes('/node_modules/chokidar/')
}

function testFileOf({ scope }: Leak): string | undefined {
  return scope?.split(' > ')[0]
}

function titleOf(test: MochaTest, testFile: string): string {
  return [testFile, ...test.titlePath()].join(' > ')
}

function rootOf(suite: MochaSuite | undefined): MochaSuite | undefined {
  return suite?.parent ? rootOf(suite.parent) : suite
}

/** The tests that did not run: `--grep` left them out, or they are pending. */
function skippedIn(suite: MochaSuite | undefined): Set<string> {
  const own = (suite?.tests ?? []).filter((test) => test.state === undefined && test.file !== undefined)
  return new Set([
    ...own.map((test) => titleOf(test, shortPath(test.file!))),
    ...(suite?.suites ?? []).flatMap((child) => [...skippedIn(child)]),
  ])
}
