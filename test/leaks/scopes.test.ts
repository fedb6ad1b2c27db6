import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import * as http from 'node:http'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { afterEach, expect, test } from 'vitest'

import { assertNoLeaks, findLeaks } from '../../src/leaks/find.ts'
import type { LeakError } from '../../src/leaks/leak-error.ts'
import { bundled } from './bundle.ts'

const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup()
})

const findLeaksModule = bundled('leaks.ts')

async function listen(server: net.Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  cleanups.push(() => server.close())
  return (server.address() as net.AddressInfo).port
}

/** A client that was there before calls back on data, in no context of its callers. */
async function sharedClient(): Promise<(done: () => void) => void> {
  const socket = net.connect(await listen(net.createServer((peer) => peer.pipe(peer))), '127.0.0.1')
  cleanups.push(() => socket.destroy())
  const waiting: (() => void)[] = []
  socket.on('data', () => waiting.shift()?.())
  await once(socket, 'connect')
  return (done) => {
    waiting.push(done)
    socket.write('x')
  }
}

function startTimer(): void {
  const timer = setInterval(() => {}, 60_000)
  cleanups.push(() => clearInterval(timer))
}

test("a socket that an agent hands to a waiting request is that request's, in whose callbacks ever that is", async () => {
  const server = http.createServer(
    (request, response) => void (request.url === '/a' ? setTimeout(() => response.end('a'), 20) : response.write('b')),
  )
  const port = await listen(server)
  cleanups.push(() => server.closeAllConnections())
  const agent = new http.Agent({ maxSockets: 1 })
  const get = (path: string): http.ClientRequest => http.get({ port, host: '127.0.0.1', path, agent })
  const first = findLeaks(
    async function first() {
      const [response] = (await once(get('/a'), 'response')) as [http.IncomingMessage]
      await once(response.resume(), 'end')
    },
    { withinMs: 50 },
  )
  const second = findLeaks(
    async function second() {
      await once(get('/b'), 'response')
    },
    { withinMs: 50 },
  )
  expect(await first).toEqual([])
  expect(await second).toMatchObject([{ kind: 'tcp-socket', scope: 'second', stack: expect.stringContaining('at second') as string }])
})

test("findLeaks tells what was opened meanwhile in no test's context, and assertNoLeaks fails for it when asked", async () => {
  const query = await sharedClient()
  const job = (): Promise<void> =>
    new Promise((resolve) =>
      query(() => {
        startTimer()
        startTimer()
        resolve()
      }),
    )
  const leaks = await findLeaks(job, { withinMs: 0 })
  expect(leaks).toEqual([])
  expect(leaks.orphans).toMatchObject([{ kind: 'timer' }, { kind: 'timer' }])
  await assertNoLeaks(job, { withinMs: 0 })
  const error = (await assertNoLeaks(job, { withinMs: 0, orphans: 'fail' }).catch((thrown: unknown) => thrown)) as LeakError
  expect(error.message).toMatch(
    /^No handles were still open 0 ms after "job"\n\n2 more were opened meanwhile, in no test's context\n\n {2}timer /,
  )
  expect(error.orphans).toHaveLength(2)
  await expect(assertNoLeaks(job, { orphans: 'some' as never })).rejects.toThrow('orphans must be one of allow, fail, got "some"')
})

test('what other code opened before, after, or in a scope of its own is no orphan', async () => {
  startTimer()
  const [one, other] = await Promise.all([
    findLeaks(() => new Promise((resolve) => setTimeout(resolve, 10)), { withinMs: 0 }),
    findLeaks(startTimer, { withinMs: 0 }),
  ])
  startTimer()
  expect([one.length, one.orphans.length, other.length, other.orphans.length]).toEqual([0, 0, 1, 0])
})

test.each([
  [
    () => (undefined as unknown as { x: 1 }).x > 0,
    /^ignore\[1\], asked about a timer opened at .*scopes\.test\.ts:\d+:\d+, threw TypeError: Cannot read/,
  ],
  [() => Promise.resolve(true) as never, /must return true or false, got a promise$/],
])('a filter that does not answer fails the check, and says which', async (filter, message) => {
  await expect(findLeaks(startTimer, { withinMs: 0, ignore: [{ kind: 'file' }, filter] })).rejects.toThrow(message)
})

test('a frozen Error ends no process: the stack has its own limit then', async () => {
  const script = `
    const { assertNoLeaks } = await import(${JSON.stringify(findLeaksModule())})
    await assertNoLeaks(() => { Object.freeze(Error); setInterval(() => {}, 1000).unref() }, { withinMs: 0 }).catch((e) => console.log(e.code))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  expect(stdout).toBe('ERR_NETGRACE_LEAK\n')
})

test.each(['mjs', 'cjs'])('what a package opens while it is imported is told by its name, and the hint proposes it: %s', async (kind) => {
  const folder = mkdtempSync(join(tmpdir(), 'netgrace-package-'))
  cleanups.push(() => rmSync(folder, { recursive: true }))
  const home = join(folder, 'node_modules', 'chatty')
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), '{ "name": "chatty", "version": "1.2.3" }')
  writeFileSync(join(home, `index.${kind}`), 'new BroadcastChannel("chatty").onmessage = () => {}\n')
  const load = kind === 'cjs' ? `createRequire(import.meta.url)('chatty/index.cjs')` : `await import('chatty/index.mjs')`
  writeFileSync(
    join(folder, 'program.mjs'),
    `import { createRequire } from 'node:module'
    import { assertNoLeaks } from ${JSON.stringify(findLeaksModule())}
    const error = await assertNoLeaks(async () => { ${load} }, { withinMs: 0 }).catch((thrown) => thrown)
    console.log(error.message, createRequire === undefined)
    process.exit()`,
  )
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.mjs')])
  expect(stdout).toContain('opened by chatty 1.2.3')
  expect(stdout).toContain("{ ignore: [{ package: 'chatty' }] }")
})

test('what is opened in the callbacks of a queue names the queue: its work may be that of another test', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'netgrace-queue-'))
  cleanups.push(() => rmSync(folder, { recursive: true }))
  const home = join(folder, 'node_modules', 'fastq')
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), '{ "name": "fastq", "version": "1.2.3", "main": "index.mjs" }')
  writeFileSync(
    join(home, 'index.mjs'),
    `const waiting = []
    let isBusy = false
    export function push(job) { waiting.push(job); if (!isBusy) { isBusy = true; setTimeout(next, 5) } }
    function next() { const job = waiting.shift(); if (!job) return (isBusy = false); job(); setTimeout(next, 5) }`,
  )
  writeFileSync(
    join(folder, 'program.mjs'),
    `import { assertNoLeaks } from ${JSON.stringify(findLeaksModule())}
    import { push } from 'fastq/index.mjs'
    const run = (job) => () => new Promise((resolve) => push(() => (job(), resolve())))
    const [first, second] = await Promise.allSettled([
      assertNoLeaks(run(function innocent() {}), { withinMs: 40 }),
      assertNoLeaks(run(function guilty() { setInterval(() => {}, 60_000) }), { withinMs: 40 }),
    ])
    console.log(first.reason?.message, second.reason?.message)
    const direct = await assertNoLeaks(() => { setInterval(() => {}, 60_000) }, { withinMs: 0 }).catch((error) => error)
    console.log(direct.leaks[0].queue)
    process.exit()`,
  )
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.mjs')])
  expect(stdout).toMatch(/started by guilty .*\n *in a queue of +fastq 1\.2\.3, perhaps for another test\n/)
  expect(stdout).toMatch(/\nundefined\n$/)
})
