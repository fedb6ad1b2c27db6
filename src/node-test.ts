import { after, beforeEach } from 'node:test'

import { failOnLeaksIn } from './leaks/suite/node-test.ts'
import type { FailOnLeaksOptions } from './leaks/suite/suite-options.ts'

export { rigFor } from './rig/rig-for.ts'
export type { SuiteContextLike, TestContextLike } from './rig/node-suite.ts'
export type { FailOnLeaksOptions } from './leaks/suite/suite-options.ts'

/** Called at the top of a test file, before anything is opened: fails it, or each test (`at: 'test'`), for what is left open. */
export const failOnLeaks: (options?: FailOnLeaksOptions) => void = failOnLeaksIn({ beforeEach, after })
