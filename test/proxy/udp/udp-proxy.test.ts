import { describe, expect, onTestFinished, test } from 'vitest'

import { faults } from '../../../src/faults/faults.ts'
import { openUdpClient, startUdpEchoServer, type UdpClient, type UdpServer } from '../../../src/index.ts'
import type { UpstreamAddress } from '../../../src/proxy/upstream.ts'
import { startUdpProxy } from '../../../src/proxy/udp/start-udp-proxy.ts'
import type { UdpProxyOptions } from '../../../src/proxy/udp/udp-options.ts'
import type { UdpFaultProxy } from '../../../src/proxy/udp/udp-proxy.ts'
import { openSockets, refusing, until } from '../../support.ts'

async function echo(): Promise<UdpServer> {
  const server = await startUdpEchoServer()
  onTestFinished(async () => void (await server.stop()))
  return server
}

async function proxyTo(upstream: UpstreamAddress, options?: UdpProxyOptions): Promise<UdpFaultProxy> {
  const proxy = await startUdpProxy(upstream, options)
  onTestFinished(async () => {
    await proxy.stop({ graceMs: 0 }).catch(() => {})
  })
  return proxy
}

async function dial(proxy: UdpFaultProxy): Promise<UdpClient> {
  const client = await openUdpClient(proxy)
  onTestFinished(async () => void (await client.close()))
  return client
}

async function ask(client: UdpClient, datagram: string): Promise<string | undefined> {
  await client.send(datagram)
  return (await client.receive())?.toString()
}

test('each client is a session with an upstream socket of its own', async () => {
  const [server, clients] = [await echo(), 3]
  const proxy = await proxyTo(server)
  for (let n = 0; n < clients; n++) expect(await ask(await dial(proxy), `hello ${n}`)).toBe(`hello ${n}`)
  expect(Array.from(proxy.sessions, ({ id, upstream, downstream }) => [id, upstream.passed, downstream.passed])).toStrictEqual([
    [1, 1, 1],
    [2, 1, 1],
    [3, 1, 1],
  ])
  expect(await proxy.stop()).toMatchObject({ sessions: 3, upstream: { received: 3, passed: 3 }, downstream: { passed: 3 }, errors: [] })
  expect(await server.stop()).toMatchObject({ peers: 3 })
})

test('datagrams that come before the upstream is there wait for it', async () => {
  const server = await echo()
  let give = (_server: UdpServer): void => {}
  const proxy = await proxyTo(() => new Promise((resolve) => (give = resolve)))
  const client = await dial(proxy)
  await client.send('one')
  await client.send('two')
  await until(() => [...proxy.sessions][0]?.upstream.received === 2)
  give(server)
  expect([String(await client.receive()), String(await client.receive())]).toStrictEqual(['one', 'two'])
})

test('an upstream that is never found does not keep the proxy from stopping', async () => {
  const open = openSockets()
  const proxy = await startUdpProxy(() => new Promise(() => {}))
  const client = await openUdpClient(proxy)
  await client.send('one')
  await until(() => proxy.sessions.size === 1)
  await Promise.all([proxy.stop(), client.close()])
  expect(openSockets()).toBe(open)
})

test('that nobody receives upstream is an error of the session, and only of that', async () => {
  const nobody = await refusing()
  const proxy = await proxyTo(nobody)
  const client = await dial(proxy)
  await client.send('one')
  await until(() => [...proxy.sessions].some(({ errors }) => errors.length > 0))
  expect([...proxy.sessions][0]!.errors).toMatchObject([{ code: 'ECONNREFUSED' }])
  expect(await proxy.stop()).toMatchObject({ sessions: 1, errors: [] })
})

test('a silent session is over; the next datagram begins another', async () => {
  const proxy = await proxyTo(await echo(), { idleMs: 40 })
  const client = await dial(proxy)
  await ask(client, 'one')
  await until(() => proxy.sessions.size === 0)
  expect(await ask(client, 'two')).toBe('two')
  expect(await proxy.stop()).toMatchObject({ sessions: 2, upstream: { passed: 2 } })
})

describe('faults', () => {
  test('drop loses, duplicate doubles, latency delays, reorder reorders', async () => {
    const proxy = await proxyTo(await echo())
    const client = await dial(proxy)
    const dropped = proxy.inject(faults.drop(), { direction: 'upstream', times: 1 })
    await client.send('lost')
    expect(await ask(client, 'kept')).toBe('kept')
    dropped.heal()
    const doubled = proxy.inject(faults.duplicate(), { direction: 'downstream' })
    expect([await ask(client, 'twice'), String(await client.receive())]).toStrictEqual(['twice', 'twice'])
    doubled.heal()
    const late = proxy.inject(faults.latency({ ms: 40 }), { direction: 'upstream' })
    const startedAt = performance.now()
    await ask(client, 'late')
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(40)
    late.heal()
    const swapped = proxy.inject(faults.reorder({ ms: 30 }), { direction: 'upstream' })
    const sent = Array.from({ length: 20 }, (_, n) => `${n}`)
    for (const one of sent) await client.send(one)
    const come: string[] = []
    while (come.length < sent.length) come.push(String(await client.receive()))
    expect(come).not.toStrictEqual(sent)
    expect(come.toSorted()).toStrictEqual(sent.toSorted())
    swapped.heal()
    expect(await proxy.stop()).toMatchObject({ errors: [] })
  })

  test('one seed drops the same datagrams, whatever else is on', async () => {
    const server = await echo()
    const run = async (seed: number, others: boolean): Promise<string[]> => {
      const proxy = await proxyTo(server, { seed })
      if (others) proxy.inject(faults.latency({ ms: 0 }))
      proxy.inject(faults.drop(), { probability: 0.3, direction: 'upstream' })
      const client = await dial(proxy)
      const come: string[] = []
      for (let n = 0; n < 40; n++) await client.send(`${n}`)
      await until(() => [...proxy.sessions][0]?.upstream.received === 40)
      const { passed } = [...proxy.sessions][0]!.upstream
      while (come.length < passed) come.push(String(await client.receive()))
      return come
    }
    const first = await run(7, false)
    expect(first.length).toBeLessThan(40)
    expect(await run(7, true)).toStrictEqual(first)
    expect(await run(8, false)).not.toStrictEqual(first)
  })

  test('a stop passes on what is delayed, within the grace', async () => {
    const server = await echo()
    const proxy = await proxyTo(server, { graceMs: 5000, faults: [[faults.latency({ ms: 30 }), { direction: 'upstream' }]] })
    const client = await dial(proxy)
    await client.send('late')
    await until(() => proxy.sessions.size === 1)
    expect(await proxy.stop()).toMatchObject({ upstream: { received: 1, passed: 1 } })
  })

  test('one that met no datagram fails the stop', async () => {
    const proxy = await proxyTo(await echo(), { seed: 5 })
    proxy.inject(faults.drop())
    await expect(proxy.stop()).rejects.toMatchObject({
      code: 'ERR_NETGRACE_FAULT_UNUSED',
      message: expect.stringMatching(/seed 5.*drop\(\) both ways/) as string,
    })
  })

  test('of TCP are refused', async () => {
    const proxy = await proxyTo(await echo())
    expect(() => proxy.inject(faults.stall() as never)).toThrow(/^fault must be a fault for UDP: drop, duplicate, reorder or latency/)
  })
})
