import { formatEndpoint, type Endpoint } from '../../model/endpoint.ts'
import type { Leak } from '../../model/leak.ts'
import { checkOptions } from '../../model/options.ts'
import type { Birth } from '../birth.ts'
import { hold } from '../hold.ts'
import { LeakError } from '../leak-error.ts'
import { DEFAULT_WITHIN_MS } from '../options.ts'
import { birthsIn, watchAll } from '../registry.ts'
import { Scope } from '../scope.ts'
import { settle, type Found } from '../settle.ts'
import { accept, isAccepting, notAccepted } from './accepted.ts'
import { suiteRules, type FailOnLeaksOptions } from './suite-options.ts'

/**
 * The leaks of one test file, for any runner: by test, and of the whole file at its end.
 *
 * A handle is told once: what a test was blamed for is not the file's again. What a test opens after its check, having
 * timed out, is told at the end of the file, and by that test's name.
 */
export class SuiteWatch {
  readonly #options: FailOnLeaksOptions
  readonly #file = new Scope(undefined)
  readonly #told = new Set<Birth>()
  /** The far ends of the sockets that were told, as `local remote`. */
  readonly #farEnds = new Set<string>()
  #left: readonly Birth[] = []
  readonly #end: () => void

  constructor(options: FailOnLeaksOptions) {
    checkOptions(options, suiteRules)
    this.#options = options
    const release = hold(options)
    const unwatch = watchAll(this.#file)
    this.#end = () => {
      unwatch()
      release()
    }
  }

  get byTest(): boolean {
    return this.#options.at === 'test'
  }

  /** The scope of a test; it counts in the file's all the same. */
  testScope(name: string, outer?: Scope): Scope {
    return new Scope(name, outer)
  }

  /** After the test, its hooks and its fixtures. */
  async endTest(scope: Scope): Promise<Verdict> {
    return this.#judge(await settle(scope, this.#options), JSON.stringify(scope.name), "failOnLeaks({ ignore: [FILTER] })  or  at: 'file'")
  }

  /** After everything; nothing is watched from then on. */
  async endFile(file: string): Promise<Verdict> {
    try {
      return this.#judge(await settle(this.#file, this.#options), `${file} had ended`, 'failOnLeaks({ ignore: [FILTER] })')
    } finally {
      this.stop()
    }
  }

  /** Where a file has come to no end of its own. */
  stop(): void {
    this.#left = birthsIn(this.#file)
    this.#end()
  }

  /** Lets the process end although what was told is still open. In a process that is the runner's as well, nothing else may be touched. */
  unrefTold(): void {
    for (const { handle } of this.#told) handle.unref?.()
  }

  /** After {@link endFile}: lets the process end although something leaked: a runner that waits for that would hang, and never tell. */
  unrefAll(): void {
    for (const { handle } of this.#left) handle.unref?.()
  }

  #judge(found: readonly Found[], ended: string, hint: string): Verdict {
    const leaks = found.flatMap((one) => (this.#tell(one) ? one.leak : []))
    if (isAccepting()) {
      accept(leaks)
      return { reported: [] }
    }
    const unknown = notAccepted(leaks)
    if (unknown.length === 0 || this.#options.mode === 'report') return { reported: unknown }
    return { reported: [], error: new LeakError(unknown, `${this.#options.withinMs ?? DEFAULT_WITHIN_MS} ms after ${ended}`, hint) }
  }

  /** Whether it is new: not told before, nor accepted from a client that was, since who closes that one closes both. */
  #tell({ birth, leak: { local, remote } }: Found): boolean {
    if (this.#told.has(birth)) return false
    this.#told.add(birth)
    if (!local || !remote) return true
    this.#farEnds.add(ends(remote, local))
    return !(birth.accepted && this.#farEnds.has(ends(local, remote)))
  }
}

function ends(local: Endpoint, remote: Endpoint): string {
  return `${formatEndpoint(local)} ${formatEndpoint(remote)}`
}

export interface Verdict {
  /** For the table at the end of the run. */
  readonly reported: readonly Leak[]
  readonly error?: LeakError
}
