import { describe, expect, onTestFinished, test } from 'vitest'

import { faults } from '../../../src/faults/faults.ts'
import { openUdpClient, startUdpEchoServer, type UdpClient, type UdpServer } from '../../../src/index.ts'
import type { UpstreamAddress } from '../../../src/proxy/upstream.ts'
import { startUdpProxy } from '../../../src/proxy/udp/start-udp-proxy.ts'
import type { UdpProxyOptions } from '../../../src/proxy/udp/udp-options.ts'
import type { UdpFaultProxy } from '../../../src/proxy/udp/udp-proxy.ts'
import type { Session } from '../../../src/proxy/udp/session.ts'
import { openSockets, refusing, turn, until } from '../../support.ts'

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
      message: expect.stringMatching(/seed 5[^]*drop\(\) both ways never triggered: no client sent a datagram/) as string,
    })
  })

  test('of TCP are refused', async () => {
    const proxy = await proxyTo(await echo())
    expect(() => proxy.inject(faults.slicer({ size: 1 }) as never)).toThrow(
      /^fault must be a fault for UDP: drop, duplicate, reorder, latency, loss, bandwidth, stall or corrupt/,
    )
  })

  test('a constant latency keeps the order', async () => {
    const proxy = await proxyTo(await echo())
    const client = await dial(proxy)
    proxy.inject(faults.latency({ ms: 7.3 }), { direction: 'upstream' })
    const sent = Array.from({ length: 200 }, (_, n) => `${n}`)
    const come = receiveAll(client, sent.length)
    for (const one of sent) {
      await client.send(one)
      await turn()
    }
    expect(await come).toStrictEqual(sent)
  })

  test('a healed latency passes on what it holds, before what comes later', async () => {
    const proxy = await proxyTo(await echo())
    const client = await dial(proxy)
    const late = proxy.inject(faults.latency({ ms: 60_000, jitterMs: 0 }), { direction: 'upstream' })
    await client.send('one')
    await client.send('two')
    await until(() => [...proxy.sessions][0]?.upstream.received === 2)
    late.heal()
    await client.send('three')
    expect(await receiveAll(client, 3)).toStrictEqual(['one', 'two', 'three'])
  })

  test('stall holds datagrams until it is healed, and loses none', async () => {
    const proxy = await proxyTo(await echo())
    const client = await dial(proxy)
    expect(await ask(client, 'before')).toBe('before')
    const stalled = proxy.inject(faults.stall(), { direction: 'downstream' })
    for (const one of ['a', 'b', 'c']) await client.send(one)
    await until(() => [...proxy.sessions][0]!.downstream.received === 4)
    expect([...proxy.sessions][0]).toMatchObject({ downstream: { received: 4, passed: 1 }, faults: ['stall() downstream'] })
    stalled.heal()
    expect(await receiveAll(client, 3)).toStrictEqual(['a', 'b', 'c'])
  })

  test('a stop passes on what a stall holds', async () => {
    const proxy = await proxyTo(await echo())
    const client = await dial(proxy)
    proxy.inject(faults.stall(), { direction: 'upstream' })
    await client.send('held')
    await until(() => [...proxy.sessions][0]?.upstream.received === 1)
    expect(await proxy.stop()).toMatchObject({ upstream: { received: 1, passed: 1 }, errors: [] })
  })

  test('a stop passes on what comes to a stall only during the stop', async () => {
    const proxy = await proxyTo(await echo(), { graceMs: 5000 })
    const client = await dial(proxy)
    proxy.inject(faults.latency({ ms: 30 }), { direction: 'upstream' })
    proxy.inject(faults.stall(), { direction: 'upstream', optional: true })
    await client.send('late')
    await until(() => [...proxy.sessions][0]?.upstream.received === 1)
    expect(await proxy.stop()).toMatchObject({ upstream: { received: 1, passed: 1 } })
  })

  test('bandwidth gives datagrams their time, in order', async () => {
    const proxy = await proxyTo(await echo())
    const client = await dial(proxy)
    proxy.inject(faults.bandwidth({ bytesPerSecond: 100_000 }), { direction: 'upstream' })
    const startedAt = performance.now()
    const sent = ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(1000))
    for (const one of sent) await client.send(one)
    expect(await receiveAll(client, 5)).toStrictEqual(sent)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(50)
  })

  test('corrupt changes the bytes, not their number, and the same for the same seed', async () => {
    const server = await echo()
    const answer = async (seed: number): Promise<string> => {
      const proxy = await proxyTo(server, { seed })
      proxy.inject(faults.corrupt(), { direction: 'upstream' })
      const client = await dial(proxy)
      await client.send('some sixteen byte')
      return (await client.receive())!.toString('latin1')
    }
    const first = await answer(3)
    expect(first).toHaveLength(17)
    expect(first).not.toBe('some sixteen byte')
    expect(await answer(3)).toBe(first)
    expect(await answer(4)).not.toBe(first)
  })

  test('after so many bytes, a match in either direction, and so long, it becomes active', async () => {
    const proxy = await proxyTo(await echo())
    const client = await dial(proxy)
    const afterBytes = proxy.inject(faults.drop(), { direction: 'upstream', after: { bytes: 6 } })
    expect(await ask(client, '12345')).toBe('12345')
    expect(await ask(client, '6')).toBe('6')
    await client.send('lost')
    await until(() => afterBytes.hits === 1)
    afterBytes.heal()

    const afterMatch = proxy.inject(faults.drop(), { direction: 'downstream', after: { match: /QUIT/ } })
    expect(await ask(client, 'go on')).toBe('go on')
    await client.send('QUIT') // matches upstream, so its own answer is lost
    await until(() => afterMatch.hits === 1)
    afterMatch.heal()

    const injectedAt = performance.now()
    const afterMs = proxy.inject(faults.drop(), { direction: 'upstream', after: { ms: 30 } })
    while (afterMs.hits === 0) {
      await client.send('x')
      await turn()
    }
    expect(performance.now() - injectedAt).toBeGreaterThanOrEqual(30)
  })

  test('one that waits in vain says for what, and what came by', async () => {
    const proxy = await proxyTo(await echo())
    proxy.inject(faults.drop(), { direction: 'upstream', after: { bytes: 1000 } })
    const client = await dial(proxy)
    await ask(client, 'twelve bytes')
    await expect(proxy.stop()).rejects.toThrow(
      'drop() upstream, after 1000 bytes never triggered: 1 datagram came by, with 12 of the 1000 bytes',
    )
  })

  test('one that throws is an error of the report, and the datagram passes', async () => {
    const proxy = await proxyTo(await echo())
    proxy.inject({
      name: 'mine',
      datagram() {
        throw new Error('a bug of mine')
      },
    })
    expect(await ask(await dial(proxy), 'through')).toBe('through')
    expect((await proxy.stop()).errors.map(String)).toStrictEqual(['Error: a bug of mine', 'Error: a bug of mine'])
  })

  test.each([[undefined], [[-1]], [[NaN]], [['1']], [[{ afterMs: 1 }]]])(
    'one that gives %j instead of a verdict is an error',
    async (verdict) => {
      const proxy = await proxyTo(await echo())
      proxy.inject({ name: 'mine', datagram: () => verdict as never }, { direction: 'upstream' })
      expect(await ask(await dial(proxy), 'through')).toBe('through')
      expect((await proxy.stop()).errors).toMatchObject([
        { code: 'ERR_NETGRACE_FAULT', message: expect.stringMatching(/^mine\(\) must give/) as string },
      ])
    },
  )
})

describe('an upstream function that fails', () => {
  test('is asked again, and what was never sent does not count as passed', async () => {
    const server = await echo()
    let asked = 0
    const proxy = await proxyTo(() => {
      if (++asked === 1) throw new Error('not yet')
      return server
    })
    const client = await dial(proxy)
    await client.send('lost')
    await until(() => [...proxy.sessions][0]?.errors.length === 1)
    expect(await ask(client, 'answered')).toBe('answered')
    expect(asked).toBe(2)
    const report = await proxy.stop()
    expect(report).toMatchObject({ upstream: { received: 2, passed: 1 }, downstream: { passed: 1 } })
    expect(report.errors).toMatchObject([
      { code: 'ERR_NETGRACE_UPSTREAM', message: expect.stringMatching(/function failed: not yet$/) as string },
    ])
  })

  test('is reported with its first errors, and a count of the rest', async () => {
    const proxy = await proxyTo(() => Promise.reject(new Error('never')))
    const client = await dial(proxy)
    for (let n = 1; n <= 40; n++) {
      await client.send('x')
      await until(() => ([...proxy.sessions][0] as Session | undefined)?.errorCount === n)
    }
    expect([...proxy.sessions][0]!.errors).toHaveLength(32)
    const { errors } = await proxy.stop()
    expect(errors).toHaveLength(33)
    expect(errors.at(-1)!.message).toBe('and 8 more')
  })
})

async function receiveAll(client: UdpClient, count: number): Promise<string[]> {
  const come: string[] = []
  while (come.length < count) come.push(String(await client.receive()))
  return come
}
