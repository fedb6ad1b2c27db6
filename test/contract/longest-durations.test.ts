import { expect, onTestFinished, test } from 'vitest'

import { connect, faults, handlers, openRig, runScenario, startEchoServer, startServer, startUdpEchoServer } from '../../src/index.ts'
import { turns } from '../support.ts'

const LONGEST_MS = 2 ** 31 - 1

/** Node warns of a timer that is armed for longer than it can be, and fires it at once. */
function warnings(): Error[] {
  const seen: Error[] = []
  const see = (warning: Error): void => void seen.push(warning)
  process.on('warning', see)
  onTestFinished(() => void process.off('warning', see))
  return seen
}

test('the longest duration that is allowed neither overflows a timer nor passes at once', async () => {
  const seen = warnings()
  const server = await startServer(handlers.echo(), { graceMs: LONGEST_MS, closing: { how: 'graceful', afterMs: LONGEST_MS } })
  const client = await connect(server, { connectTimeoutMs: LONGEST_MS, idleTimeoutMs: LONGEST_MS, closeTimeoutMs: LONGEST_MS })
  expect(await client.ask('hello', { withinMs: LONGEST_MS })).toBe('hello')
  await server.connectionsReach(1, { withinMs: LONGEST_MS })
  const stopped = server.stop({ graceMs: LONGEST_MS })
  await turns(3)
  expect(server.state).toBe('draining')
  await client.close()
  expect(await stopped).toMatchObject({ forced: [] })

  const rig = openRig({ graceMs: LONGEST_MS })
  const proxy = await rig.proxy(await rig.echo({ graceMs: LONGEST_MS }), { graceMs: LONGEST_MS, dialTimeoutMs: LONGEST_MS })
  using _late = proxy.inject(faults.latency({ ms: LONGEST_MS }), { optional: true, after: { ms: LONGEST_MS } })
  expect(await runScenario(proxy, { clients: 2, messages: 1, timeoutMs: LONGEST_MS })).toMatchObject({ ok: true })
  expect(await rig.scenario(proxy, { in: 'thread', clients: 2, messages: 1, timeoutMs: LONGEST_MS })).toMatchObject({ ok: true })
  const spawned = await rig.spawn(proxy, { in: 'thread', connectTimeoutMs: LONGEST_MS, closeTimeoutMs: LONGEST_MS })
  expect(await spawned.ask('hello', { withinMs: LONGEST_MS })).toBe('hello')
  await spawned.close()
  await rig.close()

  const udp = await startUdpEchoServer({ graceMs: LONGEST_MS })
  await udp.stop({ graceMs: LONGEST_MS })
  await turns(3) // warnings are told a tick later
  expect(seen).toStrictEqual([])
})

test.each([2 ** 31, Number.MAX_SAFE_INTEGER, Infinity, NaN, -1])('%d ms is refused, and the message says what is allowed', async (ms) => {
  const refused = {
    name: 'RangeError',
    message: expect.stringMatching(/must be a finite number [>≥] 0 \(at most 2147483647\).*, got /) as string,
  }
  await expect(startEchoServer({ graceMs: ms })).rejects.toMatchObject(refused)
  const server = await startEchoServer()
  await expect(server.stop({ graceMs: ms })).rejects.toMatchObject(refused)
  await expect(connect(server, { connectTimeoutMs: ms })).rejects.toMatchObject(refused)
  await server.stop()
})

test.each(['connectTimeoutMs', 'idleTimeoutMs', 'closeTimeoutMs'])(
  '%s: 0 is refused: for a socket of Node it would be never, elsewhere at once',
  async (name) => {
    const server = await startEchoServer()
    await expect(connect(server, { [name]: 0 })).rejects.toThrow(
      `${name} must be a finite number > 0 (at most 2147483647), or left out, got 0`,
    )
    await server.stop()
  },
)
