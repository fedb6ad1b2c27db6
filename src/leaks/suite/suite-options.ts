import type { LeakOptions } from '../../model/leak.ts'
import { oneOf, type Rules } from '../../model/options.ts'
import { leakRules } from '../options.ts'

export interface FailOnLeaksOptions extends LeakOptions {
  /**
   * `'file'`: after the last `afterAll` of a file, against what the file opened; the default, since a module's pool is opened
   * by whichever test comes first. `'test'`: after each test and its fixtures as well, for suites that are clean.
   */
  readonly at?: 'file' | 'test' | undefined
  /** `'report'` fails nothing; `netgrace/reporter` prints one table at the end of the run. Default `'fail'`. */
  readonly mode?: 'fail' | 'report' | undefined
}

export const suiteRules: Rules<FailOnLeaksOptions> = { ...leakRules, at: oneOf('file', 'test'), mode: oneOf('fail', 'report') }
