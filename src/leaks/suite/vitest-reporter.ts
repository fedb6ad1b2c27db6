import { shortPath } from '../../timeline/frames.ts'
import type { VitestFile } from './vitest.ts'
import { tableOf } from './table.ts'

/** What is used of Vitest's test module: `meta()` from 4 on, the task before. */
interface TestModuleLike {
  readonly moduleId: string
  readonly task?: { readonly meta: VitestFile['meta'] }
  meta?(): VitestFile['meta']
}

/** A reporter beside those that you have: `reporters: ['default', 'netgrace/reporter']`. Prints what `mode: 'report'` found. */
export class LeakReporter {
  onTestRunEnd(modules: readonly TestModuleLike[]): void {
    const table = tableOf(
      modules.flatMap((module) => {
        const { netgraceLeaks = [] } = module.meta?.() ?? module.task?.meta ?? {}
        return netgraceLeaks.map((leak) => ({ leak, testFile: shortPath(module.moduleId) }))
      }),
    )
    if (table !== '') process.stdout.write(`\n${table}\n\n`)
  }
}
