import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterAll, describe, expect, test } from 'vitest'

import { bundled } from '../bundle.ts'

const door = bundled('mocha.ts')
const fixtures = fileURLToPath(new URL('fixtures/mocha/', import.meta.url))
const mocha = process.env['MOCHA_BIN'] ?? fileURLToPath(new URL('../../../node_modules/mocha/bin/mocha.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'netgrace-mocha-'))

afterAll(() => rmSync(folder, { recursive: true }))

interface Outcome {
  readonly code: number
  readonly output: string
  readonly passed: readonly string[]
  /** What each failed with. */
  readonly failed: Readonly<Record<string, string>>
}

interface Report {
  readonly passes: readonly { readonly fullTitle: string }[]
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message: string } }[]
}

let runs = 0

/** Runs suites of fixtures/mocha, in an empty folder. Without options, `--require` names the door itself. */
async function run(suites: readonly string[], options: object | undefined, args: readonly string[] = [], env = {}): Promise<Outcome> {
  const written = join(folder, `${runs++}.json`)
  const plugin = options ? join(fixtures, 'plugin.mjs') : door()
  const all = [
    '--require',
    plugin,
    '--reporter',
    'json',
    '--reporter-option',
    `output=${written}`,
    ...args,
    ...suites.map((name) => (isAbsolute(name) ? name : fixtures + name)),
  ]
  const child = {
    cwd: folder,
    env: { ...process.env, FORCE_COLOR: '0', LEAKS: door(), OPTIONS: JSON.stringify(options), ...env },
    timeout: 20_000,
  }
  const [code, output] = await new Promise<[number, string]>((resolve) => {
    execFile(process.execPath, [mocha, ...all], child, (error, stdout) => resolve([(error?.code as number | undefined) ?? 0, stdout]))
  })
  const { passes, failures } = JSON.parse(readFileSync(written, 'utf8')) as Report
  const failed = Object.fromEntries(failures.map(({ fullTitle, err }) => [fullTitle, err.message]))
  return { code, output, passed: passes.map(({ fullTitle }) => fullTitle), failed }
}

const mixed = 'mixed.spec.cjs'
const clean = 'clean.spec.mjs'
const ofTheirOwn = ['times out, and leaks later', 'fails by itself, and leaks']
const atEnd = 'netgrace: what was left open'

test('--require netgrace/mocha: what is open when the run has ended fails it, by line and test; the pool that was closed is none', async () => {
  const { failed } = await run([mixed, clean], undefined)
  expect(Object.keys(failed)).toEqual([...ofTheirOwn, atEnd])
  expect(failed[atEnd]).toMatch(/^5 handles were still open 250 ms after the run had ended\n/)
  expect(failed[atEnd]).toMatch(/opened by dial {3}.*mixed\.spec\.cjs:\d+:22\n *in +".*mixed\.spec\.cjs > leaks a socket"/)
  expect(failed[atEnd]).not.toContain('uses the pool')
})

describe.each([
  ['in one process', [], 'the run'],
  ['--parallel', ['--parallel', '--jobs', '2'], '.*mixed\\.spec\\.cjs'],
] as const)('%s', (_name, args, ended) => {
  test('at the end', async () => {
    const { failed, code } = await run([mixed, clean], {}, args)
    expect(Object.keys(failed)).toEqual([...ofTheirOwn, atEnd])
    expect(failed[atEnd]).toMatch(new RegExp(`^5 handles were still open 50 ms after ${ended} had ended\n`))
    expect(code).toBe(3)
  })

  test('after each test and its hooks, the one that leaked and no other; the run goes on', async () => {
    const { failed, passed } = await run([mixed, clean], { at: 'test' }, args)
    expect(Object.keys(failed).toSorted()).toEqual(
      ['uses the pool', 'leaks a socket', 'with a hook that leaks', ...ofTheirOwn, atEnd].toSorted(),
    )
    for (const name of ['uses the pool', 'leaks a socket', 'with a hook that leaks']) {
      expect(failed[name]).toMatch(/^1 handle was still open 50 ms after ".*mixed\.spec\.cjs > /)
    }
    // A test that had failed has its own error first.
    expect(failed['times out, and leaks later']).toMatch(/^Timeout of 100ms exceeded[^]*\n\nnetgrace: 1 handle was still open/)
    expect(failed['fails by itself, and leaks']).toMatch(/^Expected values to be strictly equal:[^]*\n\nnetgrace: 1 handle was still open/)
    // What it opened after its check is told once, at the end, by its name; and so is what a try left that was not the last.
    expect(failed[atEnd]).toMatch(/^2 handles were still open/)
    expect(failed[atEnd]).toContain('times out, and leaks later"')
    expect(passed).toContain('runs while its neighbour leaks')
    expect(passed.filter((name) => name.startsWith('clean '))).toHaveLength(4)
  })

  test('a clean suite passes either way', async () => {
    for (const at of ['file', 'test']) {
      const { code, passed, failed } = await run([clean], { at }, args)
      expect({ code, failed }).toEqual({ code: 0, failed: {} })
      expect(passed).toHaveLength(4)
    }
  })

  test("mode: 'report' fails nothing, and one table ends the run", async () => {
    const { failed, output } = await run([mixed, clean], { mode: 'report', at: 'test' }, args)
    expect(Object.keys(failed)).toEqual(ofTheirOwn)
    expect(output.match(/outlived/g)).toHaveLength(1)
    expect(output).toMatch(/^7 handles outlived their test file, opened by 2 lines$/m)
    expect(output).toMatch(/^ {2}6 {2}tcp-socket {2}.*mixed\.spec\.cjs:\d+:22 {2}dial {2}.*mixed\.spec\.cjs$/m)
  })
})

test('what leaks does not keep the run from ending', async () => {
  const { code, failed } = await run(['hang.spec.cjs'], {})
  expect(code).toBe(1)
  expect(failed[atEnd]).toContain('tcp-listener  127.0.0.1:')
  expect(failed[atEnd]).toMatch(/timer +setInterval 1000 ms\n/)
})

test('NETGRACE_LEAKS=accept writes them down by test; then only new ones fail', async () => {
  expect(Object.keys((await run([mixed], {}, [], { NETGRACE_LEAKS: 'accept' })).failed)).toEqual(ofTheirOwn)
  const accepted = JSON.parse(readFileSync(join(folder, 'netgrace-leaks.json'), 'utf8')) as object[]
  const file = expect.stringMatching(/mixed\.spec\.cjs$/) as string
  expect(accepted).toHaveLength(5)
  const name = expect.stringMatching(/mixed\.spec\.cjs > leaks a socket$/) as string
  expect(accepted).toContainEqual({ testFile: file, test: name, file, function: 'dial', kind: 'tcp-socket', count: 1 })
  expect(Object.keys((await run([mixed], {})).failed)).toEqual(ofTheirOwn)
  rmSync(join(folder, 'netgrace-leaks.json'))
  expect(Object.keys((await run([mixed], {})).failed)).toContain(atEnd)
})

test('--parallel: a process that runs several files judges each', async () => {
  const files = [1, 2, 3].map((n) => join(folder, `${n}.spec.cjs`))
  for (const file of files)
    writeFileSync(file, "it('leaks', (done) => void require('node:net').createServer().listen(0, '127.0.0.1', done))")
  const { code, passed } = await run(files, {}, ['--parallel', '--jobs', '2'])
  expect({ code, passed }).toEqual({ code: 3, passed: ['leaks', 'leaks', 'leaks'] })
})

test('--watch: what Mocha itself watches is no leak', async () => {
  const args = [mocha, '--watch', '--require', door(), fixtures + 'tiny.spec.cjs']
  const child = spawn(process.execPath, args, { cwd: folder })
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  for await (const chunk of child.stderr) if (String(chunk).includes('waiting for changes')) break
  child.kill()
  await once(child, 'close')
  expect(output).toContain('1 passing')
  expect(output).not.toContain('failing')
})

test('a wrong option is told before any test runs', async () => {
  const child = { cwd: folder, env: { ...process.env, FORCE_COLOR: '0', LEAKS: door(), OPTIONS: '{"at":"suite"}' } }
  const stderr = await new Promise<string>((resolve) => {
    execFile(process.execPath, [mocha, '--require', join(fixtures, 'plugin.mjs'), fixtures + clean], child, (_error, _out, err) =>
      resolve(err),
    )
  })
  expect(stderr).toMatch(/TypeError: at must be one of file, test, got "suite"/)
})

test('a filter that throws, or a list that cannot be read, fails the run and keeps it from nothing', async () => {
  const plugin = join(folder, 'throwing.mjs')
  const options = '{ withinMs: 50, ignore: [(leak) => leak.nothing.here] }'
  writeFileSync(
    plugin,
    `import { failOnLeaks } from ${JSON.stringify(door())}\nexport const { mochaHooks, mochaGlobalSetup, mochaGlobalTeardown } = failOnLeaks(${options})`,
  )
  const throwing = await run(['hang.spec.cjs'], undefined, ['--require', plugin])
  expect(throwing.failed[atEnd]).toMatch(/^ignore\[0\], asked about a (?:tcp-listener|timer) opened at .*hang\.spec\.cjs/)
  writeFileSync(join(folder, 'netgrace-leaks.json'), '{')
  const broken = await run(['hang.spec.cjs'], {})
  rmSync(join(folder, 'netgrace-leaks.json'))
  expect(broken.failed[atEnd]).toContain('netgrace-leaks.json cannot be read')
})
