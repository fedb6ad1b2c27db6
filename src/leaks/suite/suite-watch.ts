import { asError } from '../../lifetime/throw-all.ts'
import { formatEndpoint, type Endpoint } from '../../model/endpoint.ts'
import type { Leak } from '../../model/leak.ts'
import { checkOptions } from '../../model/options.ts'
import { formatSite, framesOf } from '../../timeline/frames.ts'
import type { Birth } from '../birth.ts'
import { hold } from '../hold.ts'
import { LeakError } from '../leak-error.ts'
import { DEFAULT_WITHIN_MS } from '../options.ts'
import { birthsIn, watchAll } from '../registry.ts'
import { Scope } from '../scope.ts'
import { settle, suspects, type Found } from '../settle.ts'
import { accept, Allowance, isAccepting } from './accepted.ts'
import { suiteRules, type FailOnLeaksOptions } from './suite-options.ts'
import type { TableRow } from './table.ts'

/** What the check needs to know of the runner that it serves. */
export interface SuiteRunner {
  /** The test file that left it open. */
  fileOf(leak: Leak): string
  /** Takes what `mode: 'report'` found, for the table at the end of the run. */
  tell(rows: readonly TableRow[]): void
  /**
   * What is unref'd at the end of the file, so that the process can end and its result be known: what leaked, where the process
   * is the runner's as well; everything that the file opened, where the process is the file's alone.
   */
  readonly release: 'nothing' | 'what leaked' | 'everything'
  /** Whether there is a test of this name that did not run, such as one that a filter left out. */
  isSkipped?(test: string): boolean
  /** Whether a function of this name in its stack makes it the file's, whichever test came first. */
  isSharedBy?(functionName: string): boolean
}

/** What was told already, and by whichever watch of the process: a setup file may have one, and a test file another. */
const told = new WeakSet<Birth>()

/** For what serves all files of the process, and closes with it: it is no file's leak, nor a test's. */
export const processScope: Scope = new Scope(undefined)

/** Whose tests these scopes are: the files that share a process each judge their own. */
const owners = new WeakMap<Scope, SuiteWatch>()

/**
 * The leaks of one test file, for any runner: by test, and of the whole file at its end.
 *
 * A handle is told once: what a test was blamed for is not the file's again. What a test opens after its check, having
 * timed out, is told at the end of the file, and by that test's name.
 *
 * The checks never reject and never stay pending. Each gives the error that fails the test or the file, its own failure
 * included: a filter that throws, a list of accepted leaks that cannot be read.
 */
export class SuiteWatch {
  readonly #options: FailOnLeaksOptions
  readonly #runner: SuiteRunner
  readonly #file = new Scope(undefined)
  /** What leaked, and what may have: to be unref'd. */
  readonly #open = new Set<Birth>()
  /** The far ends of the sockets that were told, as `local remote`. */
  readonly #farEnds = new Set<string>()
  /** The lines that have leaked. */
  readonly #lines = new Set<string>()
  readonly #allowance = new Allowance()
  readonly #accepted: TableRow[] = []
  readonly #testFiles = new Set<string>()
  readonly #unwatch: () => void
  #ended = false

  constructor(options: FailOnLeaksOptions, runner: SuiteRunner) {
    checkOptions(options, suiteRules)
    this.#options = options
    this.#runner = runner
    const release = hold(options)
    const unwatch = watchAll(this.#file)
    this.#unwatch = () => {
      unwatch()
      release()
    }
  }

  get byTest(): boolean {
    return this.#options.at === 'test'
  }

  /** The scope of a test; it counts in the file's all the same. */
  testScope(name: string, outer?: Scope): Scope {
    const scope = new Scope(name, outer)
    owners.set(scope, this)
    return scope
  }

  /** Says that tests of this file run: what was accepted of it and leaks no longer is mended. */
  runs(testFile: string): void {
    this.#testFiles.add(testFile)
  }

  /** After the test, its hooks and its fixtures. */
  endTest(scope: Scope): Promise<Error | undefined> {
    return this.#check(
      scope,
      () => this.#birthsIn(scope).filter((birth) => !this.#isShared(birth)),
      JSON.stringify(scope.name),
      "failOnLeaks({ ignore: [FILTER] })  or  at: 'file'",
    )
  }

  /** After everything; nothing is watched from then on. */
  async endFile(file: string): Promise<Error | undefined> {
    const error = await this.#check(this.#file, () => this.#birthsIn(this.#file), `${file} had ended`, 'failOnLeaks({ ignore: [FILTER] })')
    return (isAccepting() ? this.#accept() : undefined) ?? error
  }

  /** Also where a file has come to no end of its own. */
  stop(): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#runner.release === 'everything') for (const birth of birthsIn(this.#file)) this.#open.add(birth)
    if (this.#runner.release !== 'nothing') for (const birth of this.#open) unref(birth)
    this.#unwatch()
  }

  async #check(scope: Scope, births: () => Birth[], ended: string, hint: string): Promise<Error | undefined> {
    try {
      const found = await settle(births, this.#options, (leak) => this.#lines.has(lineOf(leak)))
      return this.#judge(found, ended, hint)
    } catch (error) {
      // what could not be judged may keep the process alive as well
      for (const birth of suspects(births(), this.#options)) this.#open.add(birth)
      return asError(error)
    } finally {
      if (scope === this.#file) this.stop()
    }
  }

  #judge(found: readonly Found[], ended: string, hint: string): Error | undefined {
    const rows = found.filter((one) => this.#isNew(one)).map(({ leak }) => ({ leak, testFile: this.#runner.fileOf(leak) }))
    if (isAccepting()) {
      for (const row of rows) this.#accepted.push(row)
      return undefined
    }
    const unknown = this.#allowance.beyond(rows)
    if (unknown.length === 0) return undefined
    if (this.#options.mode !== 'report') {
      const after = `${this.#options.withinMs ?? DEFAULT_WITHIN_MS} ms after ${ended}`
      return new LeakError(
        unknown.map(({ leak }) => leak),
        after,
        hint,
      )
    }
    this.#runner.tell(unknown)
    return undefined
  }

  /** Whether it is new: not told before, nor accepted from a client that was, since who closes that one closes both. */
  #isNew({ birth, leak }: Found): boolean {
    const { local, remote } = leak
    this.#open.add(birth)
    this.#lines.add(lineOf(leak))
    if (told.has(birth)) return false
    told.add(birth)
    if (!local || !remote) return true
    this.#farEnds.add(ends(remote, local))
    return !(birth.accepted && this.#farEnds.has(ends(local, remote)))
  }

  /** Without those of the process, and of a test that another watch has a scope for, and this one has none. */
  #birthsIn(scope: Scope): Birth[] {
    return birthsIn(scope).filter((birth) => {
      if (birth.scope?.isWithin(processScope)) return false
      const watches = ownersOf(birth.scope)
      return watches.length === 0 || watches.includes(this)
    })
  }

  #isShared({ stack }: Birth): boolean {
    if (!this.#runner.isSharedBy) return false
    return framesOf(stack).some((frame) => frame.whose === 'runner' && this.#runner.isSharedBy?.(frame.function) === true)
  }

  #accept(): Error | undefined {
    try {
      const testFiles = new Set([...this.#testFiles, ...this.#accepted.map(({ testFile }) => testFile)])
      const isSkipped = (test: string): boolean => this.#runner.isSkipped?.(test) ?? false
      const wrote = accept(this.#accepted, { testFiles: [...testFiles], isSkipped })
      if (wrote !== undefined) process.stdout.write(`${wrote}\n`)
      return undefined
    } catch (error) {
      return asError(error)
    }
  }
}

function ends(local: Endpoint, remote: Endpoint): string {
  return `${formatEndpoint(local)} ${formatEndpoint(remote)}`
}

function ownersOf(scope: Scope | undefined): SuiteWatch[] {
  if (!scope) return []
  const own = owners.get(scope)
  return [...(own ? [own] : []), ...ownersOf(scope.outer)]
}

function lineOf({ kind, site, stack }: Leak): string {
  return `${kind} ${site ? formatSite(site) : stack}`
}

function unref({ handle }: Birth): void {
  try {
    handle.unref?.()
  } catch {
    // one that is closing
  }
}
