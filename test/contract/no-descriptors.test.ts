import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { expect, onTestFinished, test } from 'vitest'

const FIXTURE = fileURLToPath(new URL('fixtures/no-descriptors.mjs', import.meta.url))

interface Told {
  readonly what: string
  readonly code?: string
  readonly rejected?: { readonly code: string; readonly message: string; readonly cause?: string }
  readonly errors?: readonly { readonly code: string; readonly message: string }[]
}

/** What came of each part, asked for with so many descriptors left. */
async function asked(left: number): Promise<Told[]> {
  const child = spawn('sh', ['-c', `ulimit -n 120; exec '${process.execPath}' '${FIXTURE}' ${left}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const [code] = (await once(child, 'close')) as [number | null]
  expect(code).toBe(0)
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Told)
}

/** Those that have opened nothing yet cannot do without a descriptor. */
const NEED = [
  'startEchoServer',
  'connect',
  'superviseServer',
  'startProxy',
  'startUdpEchoServer',
  'startUdpProxy',
  'openUdpClient',
  'spawnClient in a thread',
  'spawnClient in a process',
  'rig.echo',
  'rig.refusing',
  'rig.unanswering',
]

test.skipIf(process.platform === 'win32').each([0, 1, 2, 3, 5, 8])(
  'with %i descriptors left every part works or says what it could not do, and why; nothing is unhandled, and all of it ends',
  async (left) => {
    const told = await asked(left)
    expect(told.find(({ what }) => /^(?:uncaughtException|unhandledRejection)$/.test(what))).toBeUndefined()
    expect(told.at(-1)).toEqual({ what: 'over' })
    for (const { what, rejected, errors = [] } of told) {
      for (const { code, message } of [...errors, ...(rejected ? [rejected] : [])])
        expect(code, `${what}: ${message}`).toMatch(/^ERR_NETGRACE_(?:LISTEN|CONNECT|CONNECTION_ENDED|SPAWN|TIMEOUT|STOPPED|SCENARIO)$/)
    }
    if (left > 0) return
    for (const what of NEED) {
      const { rejected } = told.find((each) => each.what === what)!
      expect(rejected, what).toBeDefined()
      expect(rejected!.message + rejected!.cause, what).toContain('EMFILE')
    }
  },
  60_000,
)
