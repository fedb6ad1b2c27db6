import { execFile } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { describe, expect, test } from 'vitest'

/**
 * The suite of fixtures/realms where the classes are not Node's own: in vm contexts, and where a DOM has replaced them.
 * jsdom and Jest are not among our own dependencies: `NETGRACE_DOM_PROJECT` and `NETGRACE_JEST_PROJECT` name projects that
 * have them, and the packed netgrace (see .ci/dom and .ci/jest).
 */
const fixtures = fileURLToPath(new URL('fixtures/realms/', import.meta.url))
const root = fileURLToPath(new URL('../../', import.meta.url))
const domProject = process.env['NETGRACE_DOM_PROJECT']
const jestProject = process.env['NETGRACE_JEST_PROJECT']

async function passes(cwd: string, args: readonly string[], env: object = {}): Promise<void> {
  const child = { cwd, env: { ...process.env, VITEST: undefined, FORCE_COLOR: '0', ...env }, timeout: 60_000 }
  const failure = await new Promise<string | undefined>((resolve) => {
    execFile(process.execPath, args, child, (error, stdout, stderr) => resolve(error ? stdout + stderr : undefined))
  })
  expect(failure).toBeUndefined()
}

describe('netgrace works', () => {
  test.each([
    ['vmThreads', 'node'],
    ['vmForks', 'node'],
    ['forks', 'happy-dom'],
    ['vmThreads', 'happy-dom'],
  ])("in Vitest's pool %s and environment %s", { timeout: 90_000 }, async (pool, environment) => {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const config = join(fixtures, 'vitest.config.ts')
    await passes(fixtures, [vitest, 'run', '--config', config, '--pool', pool, '--environment', environment])
  })

  test.skipIf(!domProject).each(['forks', 'vmThreads'])("in Vitest's pool %s and environment jsdom", { timeout: 90_000 }, async (pool) => {
    const folder = copied(domProject!)
    const vitest = join(domProject!, 'node_modules/vitest/vitest.mjs')
    const args = ['run', '--root', folder, '--globals', '--pool', pool, '--environment', 'jsdom', '--testTimeout', '10000']
    await passes(folder, [vitest, ...args])
  })

  test.skipIf(!jestProject)('in a context of Jest', { timeout: 90_000 }, async () => {
    const rootDir = copied(jestProject!)
    const config = { rootDir, testMatch: ['**/realms.suite.test.mjs'], transform: {} }
    const jest = join(jestProject!, 'node_modules/jest/bin/jest.js')
    await passes(rootDir, [jest, '--config', JSON.stringify(config)], { NODE_OPTIONS: '--experimental-vm-modules' })
  })
})

/** The suite, in a folder of that project, by a name that its runner looks for. */
function copied(project: string): string {
  const folder = join(project, 'realms')
  cpSync(join(fixtures, 'suites/realms.suite.mjs'), join(folder, 'realms.suite.test.mjs'))
  return folder
}
