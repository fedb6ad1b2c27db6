/** For `setupFiles: ['netgrace/setup']` in vitest.config: fails each test file that leaves something open, by test and by line. */
import { failOnLeaks } from './vitest.ts'

failOnLeaks()

interface Worker {
  readonly config?: {
    readonly isolate?: boolean
    readonly pool?: string
    /** Until Vitest 3. */
    readonly poolOptions?: Readonly<Record<string, { readonly isolate?: boolean } | undefined>>
  }
}

// Vitest evaluates a setup file for each test file. But where one imports this module, Node does, and once a worker: with
// `isolate: false` the later files of the worker are not checked.
const { isolate, pool = '', poolOptions } = (globalThis as { readonly __vitest_worker__?: Worker }).__vitest_worker__?.config ?? {}
const isEvaluatedByVitest = 'env' in import.meta
if (!isEvaluatedByVitest && (isolate === false || poolOptions?.[pool]?.isolate === false))
  process.stderr.write(
    'netgrace/setup: with `isolate: false` only the first test file of this worker is checked, since a setup file imports this module. Name it in `setupFiles` itself, or call failOnLeaks() of netgrace/vitest in yours.\n',
  )
