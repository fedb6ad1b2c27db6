import { leakPlugin, type MochaPlugin, type MochaRootHooks } from './leaks/suite/mocha.ts'
import type { FailOnLeaksOptions } from './leaks/suite/suite-options.ts'

export type { FailOnLeaksOptions } from './leaks/suite/suite-options.ts'
export type { MochaContext, MochaHook, MochaPlugin, MochaRootHooks } from './leaks/suite/mocha.ts'

/**
 * A plugin for Mocha that fails the run, or each test (`at: 'test'`), for what is left open. A module that `--require` names
 * exports all of it: `export const { mochaHooks, mochaGlobalSetup, mochaGlobalTeardown } = failOnLeaks({ at: 'test' })`.
 */
export function failOnLeaks(options: FailOnLeaksOptions = {}): MochaPlugin {
  return leakPlugin(options)
}

const plugin = failOnLeaks()

/** For `mocha --require netgrace/mocha`: fails the run for what is left open after its last hook. */
export const mochaHooks: () => MochaRootHooks = plugin.mochaHooks
export const mochaGlobalSetup: () => void = plugin.mochaGlobalSetup
export const mochaGlobalTeardown: () => void = plugin.mochaGlobalTeardown
