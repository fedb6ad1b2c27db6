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
  ])('%s: fails', (title, message) => {
    expect(outcomes.get(title)).toMatchObject({ state: 'failed', message: expect.stringMatching(message) as string })
  })

  test('each test that failed is told its story, with who waited for what', () => {
    const stories = diagnostics.filter((message) => message.startsWith('netgrace: what happened'))
    expect(stories).toHaveLength(6)
    expect(stories[0]).toMatch(/client #1 +waits for a line, since \d+ ms/)
    expect(stories[1]).toMatch(/handler rejected the handler failed/)
  })
})
