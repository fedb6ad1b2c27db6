import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { beforeAll, describe, expect, test } from 'vitest'

/**
 * Runs the suites of test/rig/fixtures under a real Vitest in a process of its own. `NETGRACE_VITEST_PROJECT` names a
 * project with another Vitest and the packed netgrace installed, into which the suites have been copied (see .ci/run).
 */
const here = fileURLToPath(new URL('fixtures/', import.meta.url))
const project = process.env['NETGRACE_VITEST_PROJECT']
const vitest = join(project ?? fileURLToPath(new URL('../../', import.meta.url)), 'node_modules/vitest/vitest.mjs')

interface Outcome {
  readonly title: string
  readonly state: 'passed' | 'failed'
  readonly messages: string[]
}

let outcomes: Map<string, Outcome>

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'netgrace-'))
  const written = join(folder, 'outcomes')
  const root = project ?? here
  const env = { ...process.env, VITEST: undefined, NETGRACE_OUTCOMES: written }
  const args = [vitest, 'run', '--root', root, '--config', join(root, 'vitest.config.ts'), `--reporter=${join(root, 'reporter.mjs')}`]
  await new Promise<void>((resolve) => void execFile(process.execPath, args, { env }, () => resolve())) // it fails: that is what it is for
  const lines = (await readFile(written, 'utf8')).trim().split('\n')
  outcomes = new Map(lines.map((line) => JSON.parse(line) as Outcome).map((one) => [one.title, one]))
  await rm(folder, { recursive: true })
}, 60_000)

/** The one error of a test that failed. */
function failure(title: string): string {
  const outcome = outcomes.get(title)
  expect(outcome, title).toMatchObject({ state: 'failed' })
  expect(outcome!.messages, title).toHaveLength(1)
  return outcome!.messages[0]!
}

describe('under a real Vitest', () => {
  test.each([
    'passes',
    'finds what the test before it left',
    'a client of the rig is never closed',
    'somebody else never closes, by permission',
    'somebody else never closes, by permission of the rig',
    'somebody else never closes, and the test has stopped the server itself',
    'concurrent 1',
    'concurrent 2',
    'concurrent 4',
    'concurrent 5',
    'beside fixtures of their own',
    'ends as expected',
  ])('%s: passes', (title) => {
    expect(outcomes.get(title)).toMatchObject({ state: 'passed', messages: [] })
  })

  test('a test that times out is told the story, with who waited for what, and its parts are down', () => {
    const message = failure('times out')
    expect(message).toMatch(/timed out in 300ms/)
    expect(message).toMatch(/client #1 +sent 14 B/)
    expect(message).toMatch(/client #1 +waits for a line, since \d+ ms/)
    expect(message).toMatch(/server #1 +stopped accepted 1/)
  })

  test('a body that failed keeps its own error; what the handler and the closing threw gives no second one', () => {
    const message = failure('body and teardown both fail')
    expect(message).toMatch(/the body failed/)
    expect(message).toMatch(/handler rejected the handler failed/)
    expect(message).not.toMatch(/the release failed/)
  })

  test("a handler's failed expect fails its test, as itself", () => {
    expect(failure('a handler expects in vain')).toMatch(/expected 'what comes' to be 'what never comes'/)
  })

  test('what a handler throws fails its test, even when the test has stopped that run itself', () => {
    expect(failure('a handler throws in a run that the test has stopped')).toMatch(/thrown in the first run/)
  })

  test('a handler that never settles fails its test, and is named', () => {
    expect(failure('a handler never settles')).toMatch(/a handler of tcp:\S+ had not settled .* connection #1 from 127\.0\.0\.1:\d+/)
  })

  test("a stranger's client that was never closed fails the test, and is named", () => {
    expect(failure('somebody else never closes')).toMatch(/1 connection was still open .*\n +127\.0\.0\.1:\d+ → tcp:/)
  })

  test('of concurrent tests only the one whose handler failed fails', () => {
    expect(failure('concurrent 3')).toMatch(/the third handler failed/)
  })
})
