import { execFile } from 'node:child_process'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { describe, expect, test } from 'vitest'

import { RIGHT } from './fixtures/late-fakes/exercise.mjs'

/**
 * Fake timers that were on before netgrace was loaded: in processes of their own, on the built package, and under real
 * runners. `NETGRACE_JEST_PROJECT` and `NETGRACE_VITEST_PROJECT` name projects with Jest, or another Vitest, and the
 * packed netgrace (see .ci).
 */
const fixtures = fileURLToPath(new URL('fixtures/late-fakes/', import.meta.url))
const jestProject = process.env['NETGRACE_JEST_PROJECT']
const vitestProject = process.env['NETGRACE_VITEST_PROJECT']
const root = fileURLToPath(new URL('../../', import.meta.url))

/** For a project that has the packed netgrace: nothing stands for it. */
const CONFIG = "export default { test: { include: ['suites/*.suite.ts'], setupFiles: ['setup.ts'], testTimeout: 10_000 } }"

interface Run {
  readonly code: number
  readonly output: string
}

function run(args: readonly string[], options: { readonly cwd?: string; readonly env?: object } = {}): Promise<Run> {
  const env = { ...process.env, VITEST: undefined, NODE_TEST_CONTEXT: undefined, FORCE_COLOR: '0', ...options.env }
  const child = { env, cwd: options.cwd ?? fixtures, timeout: 25_000 }
  return new Promise((resolve) => {
    execFile(process.execPath, args, child, (error, stdout, stderr) =>
      resolve({ code: error ? ((error.code as number | undefined) ?? -1) : 0, output: error ? stdout + stderr : stdout }),
    )
  })
}

/** The suites, in a folder of that project. */
function copied(project: string): string {
  const folder = join(project, 'late-fakes')
  for (const name of ['suites', 'exercise.mjs', 'setup.ts']) cpSync(join(fixtures, name), join(folder, name), { recursive: true })
  return folder
}

async function passes(running: Promise<Run>): Promise<void> {
  const { code, output } = await running
  expect(code, output).toBe(0)
}

describe('fake timers that were on before netgrace was loaded freeze nothing of it', () => {
  test('whatever tells the time or waits stands still', async () => {
    const { code, output } = await run([join(fixtures, 'frozen.mjs')])
    expect(code, output).toBe(0)
    expect(JSON.parse(output)).toStrictEqual(RIGHT)
  })

  test('under node --test, by mock.timers.enable()', async () => {
    await passes(run(['--test', join(fixtures, 'mock.node.mjs')]))
  })

  test('under Vitest, by a setup file', async () => {
    const vitest = join(vitestProject ?? root, 'node_modules/vitest/vitest.mjs')
    const folder = vitestProject === undefined ? fixtures : copied(vitestProject)
    if (vitestProject) writeFileSync(join(folder, 'vitest.config.ts'), CONFIG)
    await passes(run([vitest, 'run', '--root', folder, '--config', join(folder, 'vitest.config.ts')]))
  })

  test.skipIf(!jestProject)('under Jest, by fakeTimers.enableGlobally', async () => {
    const rootDir = copied(jestProject!)
    const config = { rootDir, testMatch: ['**/late.suite.mjs'], transform: {}, fakeTimers: { enableGlobally: true } }
    const jest = join(jestProject!, 'node_modules/jest/bin/jest.js')
    await passes(run([jest, '--config', JSON.stringify(config)], { cwd: rootDir, env: { NODE_OPTIONS: '--experimental-vm-modules' } }))
  })
})

test('where process.nextTick is faked no socket works, and loading says so', async () => {
  const { output } = await run([join(fixtures, 'no-next-tick.mjs')])
  expect(JSON.parse(output)).toMatchObject({
    code: 'ERR_NETGRACE_UNSUPPORTED',
    message: expect.stringMatching(/process\.nextTick was faked.*toNotFake: \['nextTick'\]/) as string,
  })
})
