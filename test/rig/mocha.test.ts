import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { beforeAll, describe, expect, test } from 'vitest'

interface Report {
  readonly passes: readonly { readonly fullTitle: string }[]
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message: string } }[]
}

const mocha = process.env['MOCHA_BIN'] ?? fileURLToPath(new URL('../../node_modules/mocha/bin/mocha.js', import.meta.url))
const spec = fileURLToPath(new URL('fixtures/rig.spec.mjs', import.meta.url))

let passed: string[]
let failed: Record<string, string>

// a real Mocha, in a process of its own, on the built package
beforeAll(async () => {
  const env = { ...process.env, FORCE_COLOR: '0', VITEST: undefined }
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [mocha, '--reporter', 'json', spec], { env }, (_, stdout) => resolve(stdout))
  })
  const { passes, failures } = JSON.parse(output) as Report
  passed = passes.map(({ fullTitle }) => fullTitle)
  failed = Object.fromEntries(failures.map(({ fullTitle, err }) => [fullTitle, err.message]))
}, 60_000)

describe('rigFor(this) under a real Mocha', () => {
  test.each([
    'a rig for a suite passes',
    'a rig for each test the one before is closed',
    'a rig for each test goes on',
    'a rig in a test opens',
    'a rig in a test is closed',
  ])('%s', (title) => {
    expect(passed).toContain(title)
    expect(failed).not.toHaveProperty([title])
  })

  test('of a rig for a suite, the test that failed has what happened during it, and no other', () => {
    const message = failed['a rig for a suite fails']!
    expect(message).toMatch(/not this[^]*netgrace: what happened[^]*client #2 +sent 7 B/)
    expect(message).not.toMatch(/client #1 |listening/)
    expect(failed['a rig for a suite fails without the rig']).toBe('nothing to do with it')
    expect(failed['a rig for a suite times out']).toMatch(/Timeout of 200ms[^]*client #3 +waits for a line/)
  })

  test('what closing a rig throws fails its test, with the story', () => {
    const [, message] = Object.entries(failed).find(([title]) => title.includes('has a handler that throws'))!
    expect(message).toMatch(/^the handler failed\n\nnetgrace: what happened/)
  })
})
