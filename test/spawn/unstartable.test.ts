import { afterEach, describe, expect, test, vi } from 'vitest'

import { assertNoLeaks } from '../../src/leaks/find.ts'
import { startEchoServer } from '../../src/server/start-server.ts'

const threads = vi.hoisted(() => ({ left: Infinity }))

// The system has no thread left: Node throws from the constructor, as it does for `prlimit --nproc`.
vi.mock('node:worker_threads', async (original) => {
  const real = await original<typeof import('node:worker_threads')>()
  class Worker extends real.Worker {
    constructor(...args: ConstructorParameters<typeof real.Worker>) {
      if (threads.left-- <= 0) throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' })
      super(...args)
    }
  }
  return { ...real, Worker }
})

vi.resetModules() // the setup file has loaded them with the real one
const { runScenario } = await import('../../src/scenario/run-scenario.ts')
const { spawnClient } = await import('../../src/spawn/spawn-client.ts')

const { execPath } = process

afterEach(() => {
  threads.left = Infinity
  process.execPath = execPath
})

/** From now on no thread, or no process, can be started. */
function none(where: 'thread' | 'process'): void {
  if (where === 'thread') threads.left = 0
  else process.execPath = '/nowhere/node'
}

describe.each([
  ['thread', 'EAGAIN'],
  ['process', 'spawn /nowhere/node ENOENT'],
] as const)('a %s that cannot be started', (where, why) => {
  test('is a rejection that says why, and leaves nothing', async () => {
    const server = await startEchoServer()
    await assertNoLeaks(async () => {
      none(where)
      await expect(spawnClient(server, { in: where })).rejects.toMatchObject({
        code: 'ERR_NETGRACE_SPAWN',
        message: `the ${where} for a client to 127.0.0.1:${server.port} did not get to connect: ${why}`,
        cause: { message: why },
      })
    })
    expect(await server.stop()).toMatchObject({ accepted: 0 })
  })

  test('is a row for each of its clients, and leaves nothing', async () => {
    const server = await startEchoServer()
    await assertNoLeaks(async () => {
      none(where)
      const report = await runScenario(server, { in: where, clients: 5, workers: 2 })
      expect(report).toMatchObject({ ok: false, sent: 0, endings: { error: 5 } })
      expect(report.clients.map(({ error }) => error!.message)).toEqual([
        ...Array(2).fill(`the ${where} of clients #1–#2 did not start: ${why}; its clients had not begun`),
        ...Array(3).fill(`the ${where} of clients #3–#5 did not start: ${why}; its clients had not begun`),
      ])
      for (const { error } of report.clients) expect(error).toMatchObject({ code: 'ERR_NETGRACE_SPAWN', cause: { message: why } })
    })
    expect(await server.stop()).toMatchObject({ accepted: 0 })
  })
})

test('the threads that could be started do their work', async () => {
  const server = await startEchoServer()
  threads.left = 2
  const report = await runScenario(server, { in: 'thread', clients: 3, messages: 2 })
  expect(report).toMatchObject({ ok: false, sent: 4, echoed: 4, endings: { eof: 2, error: 1 } })
  expect(await server.stop()).toMatchObject({ accepted: 2, forced: [] })
})
