import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { expect, test } from 'vitest'

import { bundled } from '../bundle.ts'

const nodeTest = bundled('leaks/suite/node-test.ts')
const reporter = bundled('reporter.ts')
const suite = fileURLToPath(new URL('fixtures/suites/mixed.node.mjs', import.meta.url))
const hanging = fileURLToPath(new URL('fixtures/suites/hanging.node.mjs', import.meta.url))
const leaking = fileURLToPath(new URL('fixtures/suites/leaking.node.mjs', import.meta.url))

/** What `node --test` says of the suite, in TAP. */
function run(
  { only, ...options }: { readonly only?: string; readonly at?: string; readonly mode?: string },
  args: readonly string[] = ['--test-reporter=tap', suite],
): Promise<string> {
  const { NODE_TEST_CONTEXT: _, ...own } = process.env
  const env = { ...own, OPTIONS: JSON.stringify(options), LEAKS: pathToFileURL(nodeTest()).href }
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--test', ...(only === undefined ? [] : ['--test-name-pattern', only]), ...args],
      { env, timeout: 20_000 },
      (_error, stdout) => resolve(stdout),
    )
  })
}

function failed(tap: string): string[] {
  return [...tap.matchAll(/^ *not ok \d+ - (.*)$/gm)].map(([, name]) => name!).filter((name) => !name.endsWith('.mjs'))
}

test('at the end of the file, each handle by line and test, after all other hooks', async () => {
  const tap = await run({})
  expect(failed(tap)).toEqual(['never ends in time'])
  expect(tap).toMatch(/4 handles were still open 50 ms after .*mixed\.node\.mjs had ended/)
  expect(tap).toMatch(/opened by dial .*mixed\.node\.mjs:\d+:22/)
  expect(tap).toContain('in               "leaks a socket"')
  expect(tap).not.toContain('"uses the pool"')
})

test('a file in which nothing else fails, fails with the leaks', async () => {
  const tap = await run({ only: 'leaks a socket' })
  expect(tap).toMatch(/^not ok \d+ - .*mixed\.node\.mjs$/m)
  expect(tap.match(/1 handle was still open 50 ms after .*mixed\.node\.mjs had ended/g)).toHaveLength(1)
})

test('after each test and its hooks, the one that leaked and no other', async () => {
  const tap = await run({ at: 'test' })
  expect(failed(tap).toSorted()).toEqual(
    ['uses the pool', 'leaks a socket', 'leaks among others', 'at once', 'that leak', 'has subtests', 'never ends in time'].toSorted(),
  )
  for (const name of ['uses the pool', 'leaks a socket', 'at once > leaks among others', 'has subtests > that leak']) {
    expect(tap).toContain(`1 handle was still open 50 ms after "${name}"`)
  }
  // What it opened after its check is told once, at the end, by its name.
  expect(tap).toMatch(/1 handle was still open 50 ms after .*mixed\.node\.mjs had ended/)
  expect(tap).toContain('in               "never ends in time"')
})

test("mode: 'report' fails nothing and prints a table", async () => {
  const tap = await run({ mode: 'report' })
  expect(failed(tap)).toEqual(['never ends in time'])
  expect(tap).toMatch(/4 handles outlived their test file, opened by 1 line/)
})

test('with netgrace/reporter it is one table for all files', async () => {
  const reporters = ['tap', pathToFileURL(reporter()).href].flatMap((name) => [
    `--test-reporter=${name}`,
    '--test-reporter-destination=stdout',
  ])
  const tap = await run({ mode: 'report', at: 'test' }, [...reporters, suite, leaking])
  expect(tap.match(/outlived/g)).toHaveLength(1)
  expect(tap).toMatch(/^7 handles outlived their test file, opened by 3 lines$/m)
  expect(tap).toMatch(/^ {2}1 {2}tcp-listener {2}.*leaking\.node\.mjs:10:\d+ .*leaking\.node\.mjs$/m)
})

/** Runs a file by itself, in a folder of its own. */
async function runAlone(file: string, how: string, args: readonly string[] = []): Promise<{ code: number; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'netgrace-node-test-'))
  if (how === 'list') writeFileSync(join(folder, 'netgrace-leaks.json'), '{')
  const { NODE_TEST_CONTEXT: _, ...own } = process.env
  const env = { ...own, HOW: how, LEAKS: pathToFileURL(nodeTest()).href, OPTIONS: '{}', NO_COLOR: '1' }
  try {
    return await new Promise((resolve) => {
      execFile(process.execPath, [...args, file], { cwd: folder, env, timeout: 25_000, maxBuffer: 1e8 }, (error, stdout) =>
        resolve({ code: error ? Number(error.code ?? -1) : 0, output: stdout }),
      )
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test.each([
  ['plain', /1 handle was still open 20 ms after .*hanging\.node\.mjs had ended/],
  ['ignore', /ignore\[0\], asked about a tcp-listener opened at .*, threw TypeError/],
  ['list', /netgrace-leaks\.json cannot be read/],
  ['many', /20001 handles were still open/],
  ['frozen', /1 handle was still open/],
  ['todo', /1 handle was still open 20 ms after .*hanging\.node\.mjs had ended/],
])('a file that runs by itself ends, says what is wrong and fails: %s', async (how, message) => {
  const { code, output } = await runAlone(hanging, how)
  expect(output).toMatch(message)
  expect(code).toBe(1)
})

test.skipIf(process.versions.node.startsWith('20.'))('all files of one process are told, each by its name', async () => {
  const none = process.versions.node.startsWith('22.') ? '--experimental-test-isolation=none' : '--test-isolation=none'
  const { code, output } = await runAlone(leaking, 'ignore', ['--test', none, hanging])
  expect(output).toMatch(/1\. ignore\[0\], asked about a tcp-listener opened at .*hanging\.node\.mjs/)
  expect(output).toMatch(/2\. 1 handle was still open 50 ms after .*leaking\.node\.mjs had ended/)
  expect(code).toBe(1)
})
