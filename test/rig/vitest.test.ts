import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
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

const { version } = createRequire(vitest)('./package.json') as { version: string }

interface Outcome {
  readonly title: string
  readonly state: 'passed' | 'failed'
  readonly messages: string[]
  readonly stacks: string[]
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
    'file: one server for all tests',
    'file: it is the same',
    'file with a failing handler: passes',
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

  test('of a test that is retried, each attempt has its own story, once', () => {
    const { messages } = outcomes.get('is retried')!
    expect(messages).toHaveLength(version.startsWith('3.') ? 1 : 3) // Vitest 3 does not run a test with fixtures again
    for (const [n, message] of messages.entries()) {
      expect(message).toMatch(new RegExp(`^attempt ${n + 1} failed\n\nnetgrace: what happened\n[^]*client #1 +sent ${(n + 1) * 10} B`))
      expect(message.match(/what happened/g)).toHaveLength(1)
    }
  })

  test.each([
    ['ends otherwise than expected', /^expected the connection to end as reset, but it was still open after 20 ms$/m],
    ['does not end otherwise', /^expected the connection not to end as reset, but it did: it was reset by local \(RST/m],
  ])('%s: the matcher says so, and the story is told once', (title, sentence) => {
    const message = failure(title)
    expect(message).toMatch(sentence)
    expect(message.match(/what happened/g)).toHaveLength(1)
  })

  test("what a handler threw is told first, with its line, when the test failed for the connection's end", () => {
    expect(failure('asks in vain, for the handler threw')).toMatch(
      /^client #1 .* ended before "hello" was answered[^]*netgrace: first, the handler of server #1, connection #1 threw\n {2}SyntaxError: .*\n {6}at .*rig\.suite\.ts:\d+:\d+\n\nnetgrace: what happened/,
    )
  })

  test('tests that fail with the same error have a story each, in what Vitest groups them by, too', () => {
    for (const n of [1, 2]) {
      expect(failure(`fails alike ${n}`)).toMatch(new RegExp(`client #1 +sent ${n * 10} B`))
      expect(outcomes.get(`fails alike ${n}`)!.stacks[0]).toMatch(new RegExp(`client #1 +sent ${n * 10} B`))
    }
  })

  test('a story that is too long leaves the closing out first', () => {
    const message = failure('many clients')
    expect(message).toMatch(/client #12 +read 6 B/)
    expect(message).toMatch(/… \d+ entries of the closing/)
  })

  test('of a rig for a file, the test that failed has what happened during it, and no other', () => {
    const message = failure('file: fails')
    expect(message).toMatch(/client #3 +sent 10 B/)
    expect(message).not.toMatch(/listening|client #[12] /)
    expect(failure('file: fails without the rig')).toBe('nothing to do with it')
    expect(failure('file: times out')).toMatch(/timed out[^]*client #4 +waits for a line/)
  })

  test('what closing a rig for a file throws fails the file, once', () => {
    expect(failure('file-handler.suite.ts')).toMatch(/the handler of the file failed/)
    expect(outcomes.get('file.suite.ts')).toMatchObject({ state: 'failed', messages: [] })
  })
})
