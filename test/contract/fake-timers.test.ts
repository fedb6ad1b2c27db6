import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { connect, handlers, startEchoServer, startServer } from '../../src/index.ts'
import { bareServer, refusing, unanswering } from '../support.ts'
import { dial, echo, serve } from './parts.ts'

// The user's test may freeze every clock that there is: ours are captured at import, and go on.
beforeEach(() => {
  vi.useFakeTimers({
    toFake: [
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
      'setImmediate',
      'clearImmediate',
      'Date',
      'performance',
      'queueMicrotask',
    ],
  })
})
afterEach(() => void vi.useRealTimers())

test('ten clients, ten messages, and a stop', async () => {
  const server = await startEchoServer()
  const clients = await Promise.all(Array.from({ length: 10 }, () => connect(server)))
  for (const client of clients) for (let n = 0; n < 10; n++) expect(await client.ask(`${n}`)).toBe(`${n}`)
  expect(await server.stop()).toMatchObject({ accepted: 10, forced: [], drained: { length: 10 } })
})

test('a stop whose grace runs out', async () => {
  const server = await serve(() => new Promise(() => {}))
  await server.connectionOf(await dial(server))
  const report = await server.stop({ graceMs: 50 })
  expect(report).toMatchObject({ forced: [{}], unsettled: [{}] })
  expect(report.durationMs).toBeGreaterThanOrEqual(45)
})

test('every deadline of a client', async () => {
  const client = await dial(await serve(handlers.silent()), { closeTimeoutMs: 20 })
  const late = { code: 'ERR_NETGRACE_TIMEOUT' }
  await expect(client.readLine({ withinMs: 10 })).rejects.toMatchObject(late)
  await expect(client.read(1, { withinMs: 10 })).rejects.toMatchObject(late)
  await expect(client.ask('?', { withinMs: 10 })).rejects.toMatchObject(late)
  await expect(client.endsWithin(10)).rejects.toMatchObject(late)
})

test('a connect that nobody answers, an idle client, a client that gives up closing', async () => {
  await expect(connect(await unanswering(), { connectTimeoutMs: 30 })).rejects.toMatchObject({
    ending: { kind: 'timeout', phase: 'connecting' },
  })
  const server = await serve((connection) => void connection.socket.resume())
  expect(await (await dial(server, { idleTimeoutMs: 30 })).ended).toMatchObject({ kind: 'timeout' })
  expect(await (await dial(await bareServer(), { closeTimeoutMs: 30 })).close()).toMatchObject({ kind: 'timeout' })
})

test('a refused connect, a reset, a slow client and a slow server', async () => {
  await expect(connect(await refusing())).rejects.toMatchObject({ ending: { kind: 'refused' } })
  const server = await echo()
  const client = await dial(server)
  client.drip('slow\n', { everyMs: 1 })
  expect(await client.readLine()).toBe('slow')
  expect(await client.reset()).toMatchObject({ kind: 'reset', by: 'local' })
  const dripping = await startServer(handlers.drip({ everyMs: 1 }))
  expect(await (await dial(dripping)).readLine()).toMatch(/^packet #/)
  await dripping.stop()
})

test('another start', async () => {
  const server = await echo()
  await server.stop({ holdPort: true })
  await server.start()
  expect(await (await dial(server)).ask('x')).toBe('x')
})
