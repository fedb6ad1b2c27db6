import { execFile } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { beforeAll, describe, expect, test } from 'vitest'

/** A project with Jest and the packed netgrace, which `.ci/jest` makes. */
const project = process.env['NETGRACE_JEST_PROJECT'] ?? ''

interface Results {
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly { readonly fullName: string; readonly failureMessages: readonly string[] }[]
  }[]
}

describe.skipIf(project === '')('rigFor({ afterAll }) under a real Jest (a machine without one skips: .ci/jest brings it)', () => {
  let tests: Record<string, string>

  beforeAll(async () => {
    cpSync(fileURLToPath(new URL('fixtures/jest/', import.meta.url)), project, { recursive: true })
    const written = join(project, 'rig.json')
    const config = {
      rootDir: project,
      testEnvironment: 'netgrace/jest',
      testMatch: ['**/rig.suite.mjs'],
      moduleFileExtensions: ['mjs', 'js', 'json'],
      transform: {},
    }
    const jest = [join(project, 'node_modules/jest/bin/jest.js'), '--config', JSON.stringify(config), '--json', '--outputFile', written]
    const env = { ...process.env, FORCE_COLOR: '0', NODE_OPTIONS: '--experimental-vm-modules', VITEST: undefined }
    await new Promise<void>((resolve) => void execFile(process.execPath, jest, { cwd: project, env }, () => resolve()))
    const { testResults } = JSON.parse(readFileSync(written, 'utf8')) as Results
    tests = Object.fromEntries(
      testResults.flatMap(({ assertionResults }) =>
        assertionResults.map(({ fullName, failureMessages }) => [fullName, failureMessages.join('\n')]),
      ),
    )
  }, 60_000)

  test.each(['passes', 'a rig of a describe opens', 'is closed behind it'])('%s: passes', (title) => {
    expect(tests).toMatchObject({ [title]: '' })
  })

  test('the test that failed has what happened during it, and no other', () => {
    expect(tests['fails']).toMatch(/not this[^]*netgrace: what happened[^]*client #2 +sent 7 B/)
    expect(tests['fails']).not.toMatch(/client #1 /)
    expect(tests['fails without the rig']).toMatch(/nothing to do with it/)
    expect(tests['fails without the rig']).not.toMatch(/what happened/)
    expect(tests['times out']).toMatch(/Exceeded timeout of 200 ms[^]*client #3 +waits for a line/)
  })
})
