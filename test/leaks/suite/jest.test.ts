import { execFile } from 'node:child_process'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { beforeAll, describe, expect, test } from 'vitest'

/** A project with Jest and the packed netgrace, which `.ci/jest` makes: Jest has more packages than all else that this one needs. */
const project = process.env['NETGRACE_JEST_PROJECT'] ?? ''
const suites = fileURLToPath(new URL('fixtures/jest/', import.meta.url))

interface Outcome {
  readonly code: number
  readonly output: string
  /** What each test failed with; empty for one that passed. */
  readonly tests: Readonly<Record<string, string>>
  /** What the file itself says, with the failures of its tests. */
  readonly file: string
}

interface Results {
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly { readonly fullName: string; readonly failureMessages: readonly string[] }[]
  }[]
}

interface Setup {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly config?: object
}

let runs = 0

/** Runs suites by name, as a user would. */
async function run(
  names: readonly string[],
  failOnLeaks: object | undefined,
  { args = [], env = {}, config = {} }: Setup = {},
): Promise<Outcome> {
  const written = join(project, `${runs++}.json`)
  const all = {
    rootDir: project,
    testEnvironment: 'netgrace/jest',
    testMatch: names.map((name) => `**/${name}.suite.js`),
    ...(failOnLeaks && { testEnvironmentOptions: { failOnLeaks } }),
    ...config,
  }
  const jest = [join(project, 'node_modules/jest/bin/jest.js'), '--config', JSON.stringify(all), '--json', '--outputFile', written, ...args]
  const child = { cwd: project, env: { ...process.env, FORCE_COLOR: '0', ...env }, timeout: 25_000 }
  const [code, output] = await new Promise<[number, string]>((resolve) => {
    execFile(process.execPath, jest, child, (error, stdout, stderr) => resolve([(error?.code as number | undefined) ?? 0, stdout + stderr]))
  })
  const { testResults } = JSON.parse(readFileSync(written, 'utf8')) as Results
  const tests = testResults.flatMap(({ assertionResults }) =>
    assertionResults.map(({ fullName, failureMessages }) => [fullName, failureMessages.join('\n')] as const),
  )
  return { code, output, tests: Object.fromEntries(tests), file: testResults.map(({ message }) => message).join('\n') }
}

function failed({ tests }: Outcome): string[] {
  return Object.keys(tests).filter((name) => tests[name] !== '')
}

const ofTheirOwn = ['times out, and leaks later', 'fails by itself, and leaks']

describe.skipIf(project === '')('under a real Jest (a machine without one skips: .ci/jest brings it)', () => {
  beforeAll(() => cpSync(suites, project, { recursive: true }))

  describe.each([
    ['in one process', ['--runInBand']],
    ['in workers', ['--maxWorkers', '2']],
  ])('%s', (_name, args) => {
    test('at the end of the file, each handle by line and test; the pool that was closed is none', async () => {
      const outcome = await run(['mixed', 'clean'], { withinMs: 50 }, { args })
      expect(failed(outcome)).toEqual(ofTheirOwn)
      expect(outcome.file).toMatch(/LeakError: 6 handles were still open 50 ms after mixed\.suite\.js had ended\n/)
      expect(outcome.file).toMatch(/opened by .* mixed\.suite\.js:20:22\n *in +"(?:leaks a socket|at once > leaks among others)"/)
      // Jest shows the code of the line that opened it
      expect(outcome.file).toMatch(/> 20 \|\s+const socket = net\.connect/)
      expect(outcome.file).not.toContain('uses the pool')
      expect(outcome.file).not.toContain('clean.suite.js had ended')
    })

    test('after each test and its hooks, the one that leaked and no other', async () => {
      const outcome = await run(['mixed', 'clean'], { at: 'test', withinMs: 50 }, { args })
      const leaking = [
        'uses the pool',
        'leaks a socket',
        'under fake timers leaks a socket as well',
        'with a hook that leaks',
        'at once leaks among others',
      ]
      expect(failed(outcome).toSorted()).toEqual([...leaking, ...ofTheirOwn].toSorted())
      for (const name of leaking) expect(outcome.tests[name]).toMatch(/^LeakError: 1 handle was still open 50 ms after "/)
      expect(outcome.tests['at once leaks among others']).toContain('after "at once > leaks among others"')
      // The test that had failed has its own error first, and what it opened after its check is told once, at the end, by its name.
      expect(outcome.tests['times out, and leaks later']).toMatch(/Exceeded timeout of 300 ms[^]*\n\n *netgrace: 1 handle was still open/)
      expect(outcome.tests['fails by itself, and leaks']).toMatch(
        /toBe[^]*\n\n *netgrace: 1 handle was still open[^]*mixed\.suite\.js:20:22/,
      )
      expect(outcome.file).toMatch(
        /LeakError: 1 handle was still open 50 ms after mixed\.suite\.js had ended[^]*"times out, and leaks later"/,
      )
    })
  })

  test('a clean suite passes either way', async () => {
    for (const at of ['file', 'test']) {
      const outcome = await run(['clean'], { at })
      expect(outcome).toMatchObject({ code: 0, file: '' })
      expect(Object.values(outcome.tests)).toEqual(['', '', '', ''])
    }
  })

  test('what leaks does not keep the run from ending', async () => {
    const { code, file } = await run(['hang'], undefined, { args: ['--runInBand'] })
    expect(code).toBe(1)
    expect(file).toMatch(/2 handles were still open 250 ms after hang\.suite\.js had ended/)
  })

  test("mode: 'report' fails nothing, and one table ends the run", async () => {
    const config = { reporters: ['default', 'netgrace/reporter'] }
    const outcome = await run(['mixed', 'hang', 'clean'], { mode: 'report', withinMs: 50 }, { config, args: ['--maxWorkers', '2'] })
    expect(failed(outcome)).toEqual(ofTheirOwn)
    expect(outcome.file).not.toContain('LeakError')
    expect(outcome.output.match(/outlived/g)).toHaveLength(1)
    expect(outcome.output).toMatch(/^8 handles outlived their test file, opened by 3 lines$/m)
    expect(outcome.output).toMatch(/^ {2}6 {2}tcp-socket {4}mixed\.suite\.js:20:22 .* mixed\.suite\.js$/m)
  })

  test('NETGRACE_LEAKS=accept writes them down; then only new ones fail', async () => {
    expect(await run(['hang'], {}, { env: { NETGRACE_LEAKS: 'accept' } })).toMatchObject({ code: 0 })
    expect(await run(['hang'], {})).toMatchObject({ code: 0 })
    rmSync(join(project, 'netgrace-leaks.json'))
    expect(await run(['hang'], {})).toMatchObject({ code: 1 })
  })

  test('a file has options of its own, and a try that leaked is run again', async () => {
    expect(await run(['retried'], { at: 'file', withinMs: 2000 })).toMatchObject({ code: 0, file: '' })
  })

  test("on an environment of the user's, with filters that are functions", async () => {
    const config = { testEnvironment: join(project, 'own-environment.mjs') }
    const outcome = await run(['mixed'], undefined, { config, args: ['--forceExit'] }) // what is ignored may hold the process
    expect(failed(outcome)).toEqual(['leaks a socket', ...ofTheirOwn])
    expect(outcome.tests['fails by itself, and leaks']).not.toContain('netgrace:')
    expect(outcome.output.match(/own test_done/g)).toHaveLength(14)
    expect(outcome.output).toContain('own run_finish')
  })

  test('a file that could not be loaded says that and nothing else', async () => {
    const { file } = await run(['broken', 'clean'], {}, { args: ['--runInBand'] })
    expect(file).toContain('while it was loaded')
    expect(file).not.toContain('LeakError')
  })

  test('a wrong option is told for the file', async () => {
    expect((await run(['clean'], { at: 'suite' })).file).toMatch(/at must be one of file, test, got "suite"/)
  })
})
