import { createRequire } from 'node:module'

import { leakEnvironment, type JestEnvironmentClass } from './leaks/suite/jest.ts'
import type { FailOnLeaksOptions } from './leaks/suite/suite-options.ts'

export type { FailOnLeaksOptions } from './leaks/suite/suite-options.ts'
export type { JestEnvironment, JestEnvironmentClass } from './leaks/suite/jest.ts'

/**
 * An environment for Jest that fails each test file, or each test (`at: 'test'`), for what is left open: the default export of a
 * module that `testEnvironment` names.
 *
 * @param options  What `testEnvironmentOptions: { failOnLeaks }` has goes first, and so does a file's `@jest-environment-options`.
 * @param Base     The environment to stand on, such as that of `jest-environment-jsdom`. Default: `jest-environment-node`.
 */
export function failOnLeaks(options: FailOnLeaksOptions = {}, Base: JestEnvironmentClass = nodeEnvironment()): JestEnvironmentClass {
  return leakEnvironment(Base, options)
}

/** For `testEnvironment: 'netgrace/jest'` in jest.config. */
const environment: JestEnvironmentClass = failOnLeaks()
export default environment

/** That of the Jest which runs, by way of the packages that lead to it: they need not lie side by side. */
function nodeEnvironment(): JestEnvironmentClass {
  let from = createRequire(import.meta.url).resolve('jest', { paths: [process.cwd(), import.meta.dirname] })
  for (const name of ['@jest/core', 'jest-config']) from = createRequire(from).resolve(name)
  return (createRequire(from)('jest-environment-node') as { readonly TestEnvironment: JestEnvironmentClass }).TestEnvironment
}
