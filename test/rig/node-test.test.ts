import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { beforeAll, describe, expect, test } from 'vitest'

interface Outcome {
  readonly title: string
  readonly state: 'passed' | 'failed'
  readonly message: string
}

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url))

let outcomes: Map<string, Outcome>
let diagnostics: string[]

// a real `node --test`, in a process of its own, on the built package
beforeAll(async () => {
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, VITEST: undefined }
  const args = ['--test', `--test-reporter=${fixtures}node-reporter.mjs`, `${fixtures}node.suite.mjs`]
  const output = await new Promise<string>((resolve) => void execFile(process.execPath, args, { env }, (_, stdout) => resolve(stdout)))
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Outcome & { diagnostic?: string })
  outcomes = new Map(lines.filter(({ title }) => title).map((one) => [one.title, one]))
  diagnostics = lines.flatMap(({ diagnostic }) => diagnostic ?? [])
}, 60_000)

describe('under a real node --test', () => {
  test.each([
    'passes',
    'finds what the test before it left',
    'a client of the rig is never closed',
    'somebody else never closes, by permission',
    'concurrent 1',
    'concurrent 2',
    'a rig for the file serves every test',
    'its first test passes',
    'is closed behind its last test',
    'its test passes',
    'is one for each test 1',
    'is one for each test 2',
    'a rig for a suite that is asked for too late is refused',
  ])('%s: passes', (title) => {
    expect(outcomes.get(title)).toMatchObject({ state: 'passed' })
  })

  test.each([
    ['times out', /timed out after 300ms/],
    ['body and teardown both fail', /^the body failed$/],
    ['a handler expects in vain', /what never comes/],
    ['a handler never settles', /a handler of tcp:\S+ had not settled .* connection #1/],
    ['somebody else never closes', /1 connection was still open .*\n +127\.0\.0\.1:\d+ → tcp:/],
    ['concurrent 3', /^the third handler failed$/],
    ['its second test fails', /not this/],
    ['its third test fails without the rig', /^the third failed$/],
    ['a rig for a suite whose handler fails', /^the handler of the suite failed$/],
  ])('%s: fails', (title, message) => {
    expect(outcomes.get(title)).toMatchObject({ state: 'failed', message: expect.stringMatching(message) as string })
  })

  test('each test that failed is told its story, with who waited for what', () => {
    const stories = diagnostics.filter((message) => message.startsWith('netgrace: what happened'))
    expect(stories).toHaveLength(7)
    expect(stories[0]).toMatch(/client #1 +waits for a line, since \d+ ms/)
    expect(stories[1]).toMatch(/handler rejected the handler failed/)
  })

  test('of a rig that serves several tests, the one that failed has what happened during it, and no other', () => {
    const story = diagnostics.find((message) => message.includes('sent 7 B'))
    expect(story).toMatch(/^netgrace: what happened/)
    expect(story).not.toMatch(/sent 6 B|listening/)
    expect(diagnostics.filter((message) => message.startsWith('netgrace: ') && message.includes('of an earlier test'))).toEqual([])
  })

  test('what a handler threw is told before the story of a test that failed otherwise', () => {
    expect(diagnostics).toContainEqual(
      expect.stringMatching(
        /^netgrace: first, the handler of server #1, connection #1 threw\n {2}Error: the handler failed\n {6}at .*node\.suite\.mjs:\d+/,
      ),
    )
  })
})
