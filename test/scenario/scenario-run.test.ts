import { describe, expect, test } from 'vitest'

import { startScenario } from '../../src/scenario/scenario-run.ts'
import { Timeline } from '../../src/timeline/timeline.ts'
import { bareServer } from '../support.ts'

describe.each(['inline', 'thread'] as const)('%s', (where) => {
  test('of two reasons to quit the first is told', async () => {
    const server = await bareServer((socket) => socket.resume())
    const run = startScenario({ host: server.host, port: server.port }, { in: where, clients: 2, timeoutMs: 60_000 }, new Timeline())
    const sockets = await Promise.all([server.socket(), server.socket()])
    for (const socket of sockets) while (socket.bytesRead === 0) await new Promise(setImmediate)
    run.quit(new Error('one'))
    run.quit(new Error('two'))
    run.force()
    for (const { error } of (await run.report).clients) {
      expect(error).toMatchObject({ code: 'ERR_NETGRACE_STOPPED', cause: { message: 'one' } })
      expect(error!.message).toMatch(/^stopped and cut while waiting for the reply to message 1 of 10 since \d+ ms: one$/)
    }
  })

  test('of two reasons to quit before it has begun the first is told', async () => {
    const server = await bareServer((socket) => socket.resume())
    const run = startScenario({ host: server.host, port: server.port }, { in: where, clients: 2 }, new Timeline())
    run.quit(new Error('one'))
    run.quit(new Error('two'))
    for (const { error } of (await run.report).clients)
      expect(error).toMatchObject({ code: 'ERR_NETGRACE_STOPPED', cause: { message: 'one' } })
  })

  test('force before it has begun cuts it as soon as it has', async () => {
    const server = await bareServer((socket) => socket.resume())
    const run = startScenario({ host: server.host, port: server.port }, { in: where, clients: 2, timeoutMs: 1_000_000 }, new Timeline())
    run.force()
    expect(await run.report).toMatchObject({ ok: false, echoed: 0, clients: [{ error: { code: 'ERR_NETGRACE_TIMEOUT' } }, {}] })
  })
})
