import { Transform } from 'node:stream'

import { shortPath } from '../../timeline/frames.ts'
import type { VitestFile } from './vitest.ts'
import { gatheredRows, gatherRows, printTable } from './run-table.ts'
import { tableOf } from './table.ts'

/** What is used of Vitest's test module: `meta()` from 4 on, the task before. */
interface TestModuleLike {
  readonly moduleId: string
  readonly task?: { readonly meta: VitestFile['meta'] }
  meta?(): VitestFile['meta']
}

/**
 * A reporter beside those that you have. Prints what `mode: 'report'` found, under Vitest, Jest and `node:test`, of which each
 * has its own manner to call it; `node:test` wants a stream that takes what happens and gives text.
 */
export class LeakReporter extends Transform {
  constructor() {
    super({ writableObjectMode: true, transform: (_event, _encoding, done) => done() })
    gatherRows()
  }

  /** Vitest's. */
  onTestRunEnd(modules: readonly TestModuleLike[]): void {
    printTable(
      modules.flatMap((module) => {
        const { netgraceLeaks = [] } = module.meta?.() ?? module.task?.meta ?? {}
        return netgraceLeaks.map((leak) => ({ leak, testFile: shortPath(module.moduleId) }))
      }),
    )
  }

  /** Jest's. */
  onRunComplete(): void {
    printTable(gatheredRows())
  }

  /** The last of a stream's. */
  override _flush(done: () => void): void {
    const table = tableOf(gatheredRows())
    if (table !== '') this.push(`\n${table}\n\n`)
    done()
  }
}
