import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterAll, describe, expect, test } from 'vitest'

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url))
const vitest = process.env['VITEST_BIN'] ?? fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'netgrace-suite-'))

afterAll(() => rmSync(folder, { recursive: true }))

interface Outcome {
  readonly output: string
  /** What the file itself failed with. */
  readonly file: string
  /** What each test failed with; empty for one that passed. */
  readonly tests: Readonly<Record<string, string>>
}

let runs = 0

/** Runs a suite of fixtures/suites in a Vitest of its own, in an empty folder. */
async function run(suite: string, options: object, env: Record<string, string> = {}): Promise<Outcome> {
  const output = join(folder, `${runs++}.json`)
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')))
  const child = { cwd: folder, env: { ...own, SUITE: suite, OPTIONS: JSON.stringify(options), OUTPUT: output, ...env } }
  const stdout = await new Promise<string>((resolve) => {
    execFile(process.execPath, [vitest, 'run', '--config', join(fixtures, 'vitest.config.ts')], child, (_error, out) => resolve(out))
  })
  return { output: stdout, ...(JSON.parse(readFileSync(output, 'utf8')) as { file: string; tests: Record<string, string> }) }
}

describe.each(['forks', 'threads'])('in %s', (POOL) => {
  test('at the end of the file, each handle by line and test; the pool that was closed is none', async () => {
    const { file, tests } = await run('mixed', {}, { POOL })
    expect(file).toMatch(/^LeakError: 4 handles were still open 50 ms after .*mixed\.suite\.ts had ended\n/)
    expect(file).toMatch(/opened by dial {3}.*mixed\.suite\.ts:32:22\n *in +"leaks a socket"/)
    expect(file).not.toContain('uses the pool')
    expect(tests['leaks a socket']).toBe('')
    expect(tests['leaks among others']).toBe('')
    expect(tests['fails by itself, and leaks']).not.toContain('netgrace')
  })

  test('after each test, the one that leaked and no other', async () => {
    const { file, tests } = await run('mixed', { at: 'test' }, { POOL })
    const blamed = Object.keys(tests).filter((name) => tests[name]!.includes('1 handle was still open 50 ms after'))
    expect(blamed).toEqual([
      'uses the pool',
      'leaks a socket',
      'times out, and leaks later',
      'leaks among others',
      'fails by itself, and leaks',
    ])
    expect(tests['leaks among others']).toContain('LeakError: 1 handle was still open 50 ms after "at once > leaks among others"')
    expect(tests['runs while its neighbour leaks']).toBe('')
    expect(tests['is clean, with a fixture']).toBe('')
    // The test that had failed has its own error first, and what it opened after its check is told once, at the end, by its name.
    expect(tests['times out, and leaks later']).toMatch(/Test timed out in 400ms/)
    expect(tests['fails by itself, and leaks']).toMatch(/^AssertionError: expected 1 to be 2/)
    expect(file).toMatch(/^LeakError: 1 handle was still open/)
    expect(file).toContain('"times out, and leaks later"')
  })

  test('a clean suite passes either way', async () => {
    for (const at of ['file', 'test']) {
      const { file, tests } = await run('clean', { at }, { POOL })
      expect(file).toBe('')
      expect(Object.values(tests)).toEqual(['', '', '', ''])
    }
  })
})

test("mode: 'report' fails nothing and prints one table", async () => {
  const { file, tests, output } = await run('mixed', { mode: 'report', at: 'test' })
  expect(file).toBe('')
  expect(tests['leaks a socket']).toBe('')
  expect(output).toMatch(/^6 handles outlived their test file, opened by 2 lines$/m)
  expect(output).toMatch(/^ {2}5 {2}tcp-socket {2}.*mixed\.suite\.ts:32:22 {2}dial {2}.*mixed\.suite\.ts$/m)
})

test('NETGRACE_LEAKS=accept writes them down by test, file, function and kind; then only new ones fail', async () => {
  const accepted = join(folder, 'netgrace-leaks.json')
  expect((await run('mixed', {}, { NETGRACE_LEAKS: 'accept' })).file).toBe('')
  const file = expect.stringMatching(/mixed\.suite\.ts$/) as string
  const of = (name: string): object => ({ testFile: file, test: name, file, function: 'dial', kind: 'tcp-socket', count: 1 })
  expect(JSON.parse(readFileSync(accepted, 'utf8'))).toEqual(
    ['at once > leaks among others', 'fails by itself, and leaks', 'leaks a socket', 'times out, and leaks later'].map(of),
  )
  expect((await run('mixed', {})).file).toBe('')
  rmSync(accepted)
  expect((await run('mixed', {})).file).toContain('4 handles')
})

test("what a fixture opens is its test's, its file's or its worker's, whichever test needs it first", async () => {
  const byTest = await run('scoped', { at: 'test' })
  const blamed = Object.keys(byTest.tests).filter((name) => byTest.tests[name] !== '')
  expect(blamed).toEqual(['uses one that it leaves open', 'has one by itself that it leaves open'])
  expect(byTest.file).toMatch(/^LeakError: 1 handle was still open/)
  expect(byTest.file).toMatch(/opened by leftByTheFile /)
  expect(byTest.file).not.toMatch(/^ *in /m)
  const { file } = await run('scoped', {})
  expect(file).toMatch(/^LeakError: 3 handles were still open/)
  expect([...file.matchAll(/^ *in +"(.*)"$/gm)].map(([, name]) => name)).toEqual(blamed)
})
