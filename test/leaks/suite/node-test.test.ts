import { execFile } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { expect, test } from 'vitest'

import { bundled } from '../bundle.ts'

const nodeTest = bundled('leaks/suite/node-test.ts')
const reporter = bundled('reporter.ts')
const suite = fileURLToPath(new URL('fixtures/suites/mixed.node.mjs', import.meta.url))
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
