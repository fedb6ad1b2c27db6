import { describe, expect, onTestFinished, test } from 'vitest'

import { faults } from '../../src/faults/faults.ts'
import { connect, startEchoServer, startProxy, startServer, type Client, type FaultProxy, type ProxyOptions } from '../../src/index.ts'
import type { UpstreamAddress } from '../../src/proxy/upstream.ts'
import { openSockets, turns, until } from '../support.ts'

async function proxyTo(upstream: UpstreamAddress, options: ProxyOptions = {}): Promise<FaultProxy> {
  const proxy = await startProxy(upstream, options)
  onTestFinished(async () => void (await proxy.stop({ graceMs: 0 }).catch(() => {})))
  return proxy
}

async function dialled(to: FaultProxy): Promise<Client> {
  const client = await connect(to)
  onTestFinished(async () => void (await client.close()))
  return client
}

async function echo(): ReturnType<typeof startEchoServer> {
  const server = await startEchoServer()
  onTestFinished(async () => void (await server.stop({ graceMs: 0 })))
  return server
}

describe('refuse', () => {
  test('refuses new connections in the same turn, and leaves the open ones alone', async () => {
    const proxy = await proxyTo(await echo())
    const before = await dialled(proxy)
    await before.ask('open')
    const refused = proxy.inject(faults.refuse())
    for (let n = 0; n < 5; n++) {
      await expect(connect(proxy)).rejects.toMatchObject({ ending: { kind: 'refused', by: 'peer' } })
      await turns(2)
    }
    expect(await before.ask('still open')).toBe('still open')
    refused.heal()
    expect(await (await dialled(proxy)).ask('again')).toBe('again')
    expect(refused.hits).toBe(1)
    expect(await proxy.stop()).toMatchObject({ accepted: 2, errors: [] })
  })

  test('healed within the same turn, it has done nothing that lasts', async () => {
    const proxy = await proxyTo(await echo())
    proxy.inject(faults.refuse()).heal()
    await until(() => proxy.state === 'listening')
    expect(await (await dialled(proxy)).ask('x')).toBe('x')
  })

  test('two of them refuse until both are healed', async () => {
    const proxy = await proxyTo(await echo())
    const [one, two] = [proxy.inject(faults.refuse()), proxy.inject(faults.refuse())]
    one.heal()
    await expect(connect(proxy)).rejects.toMatchObject({ ending: { kind: 'refused' } })
    two.heal()
    expect(await (await dialled(proxy)).ask('x')).toBe('x')
  })

  test('given as an option, it refuses from the first connection on', async () => {
    const proxy = await proxyTo(await echo(), { faults: [[faults.refuse()]] })
    await expect(connect(proxy)).rejects.toMatchObject({ ending: { kind: 'refused' } })
    proxy.heal()
    expect(await (await dialled(proxy)).ask('x')).toBe('x')
  })

  test('and down(): up() listens again only once it is healed, and healing only once up() was called', async () => {
    const proxy = await proxyTo(await echo())
    const refused = proxy.inject(faults.refuse())
    await proxy.down()
    await proxy.up()
    await expect(connect(proxy)).rejects.toMatchObject({ ending: { kind: 'refused' } })
    await proxy.down()
    refused.heal()
    await turns(5)
    await expect(connect(proxy)).rejects.toMatchObject({ ending: { kind: 'refused' } })
    await proxy.up()
    expect(await (await dialled(proxy)).ask('x')).toBe('x')
  })

  test('a stop while it is on leaves nothing open', async () => {
    const server = await echo()
    const open = openSockets()
    const proxy = await startProxy(server)
    proxy.inject(faults.refuse())
    expect(await proxy.stop()).toMatchObject({ errors: [] })
    await until(() => openSockets() === open)
  })

  test.each(['direction', 'links', 'times', 'probability', 'after'])('%s has no meaning for it', async (key) => {
    const values: Record<string, unknown> = { direction: 'upstream', links: 'later', times: 1, probability: 1, after: { ms: 1 } }
    const proxy = await proxyTo(await echo())
    expect(() => proxy.inject(faults.refuse(), { [key]: values[key] })).toThrow(`where.${key} must be left out for refuse()`)
  })
})

describe('connectLatency', () => {
  test('puts the dial off, and with it the greeting', async () => {
    const server = await startServer((connection) => connection.send('hello\n'))
    onTestFinished(async () => void (await server.stop({ graceMs: 0 })))
    const proxy = await proxyTo(server)
    const late = proxy.inject(faults.connectLatency({ ms: 40 }))
    const startedAt = performance.now()
    const client = await dialled(proxy)
    expect(server.connections.size).toBe(0)
    expect(await client.readLine()).toBe('hello')
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(39)
    expect([late.hits, proxy.history[0]!.faults]).toStrictEqual([1, ['connectLatency({"ms":40})']])
  })

  test('healed, those that wait dial at once', async () => {
    const proxy = await proxyTo(await echo())
    const late = proxy.inject(faults.connectLatency({ ms: 600_000 }))
    const client = await dialled(proxy)
    const answer = client.ask('x')
    await until(() => late.hits === 1)
    late.heal()
    expect(await answer).toBe('x')
  })

  test('a stop does not wait for it', async () => {
    const server = await echo()
    const open = openSockets()
    const proxy = await startProxy(server)
    const late = proxy.inject(faults.connectLatency({ ms: 600_000 }))
    const client = await connect(proxy)
    await until(() => late.hits === 1)
    await proxy.stop()
    expect((await client.close()).kind).not.toBe('timeout')
    await until(() => openSockets() === open)
    expect(server.connections.size).toBe(0)
  })

  test('hits the links it is for, so many times', async () => {
    const proxy = await proxyTo(await echo())
    const late = proxy.inject(faults.connectLatency({ ms: 1 }), { links: ({ id }) => id !== 1, times: 2 })
    for (let n = 0; n < 4; n++) await (await dialled(proxy)).ask('x')
    expect(proxy.history.map((link) => link.faults.length)).toStrictEqual([0, 1, 1, 0])
    expect(late.hits).toBe(2)
  })

  test('unused, it says that nothing connected', async () => {
    const proxy = await proxyTo(await echo())
    proxy.inject(faults.connectLatency({ ms: 1 }))
    await expect(proxy.stop()).rejects.toThrow(
      /connectLatency\(\{"ms":1\}\) was injected at .* and never triggered: nothing connected to the proxy/,
    )
  })

  test('a fault of connecting that throws, or gives no time, is an error of the report, and the link dials at once', async () => {
    const proxy = await proxyTo(await echo())
    proxy.inject({ name: 'mine', connect: () => NaN })
    expect(await (await dialled(proxy)).ask('x')).toBe('x')
    expect((await proxy.stop()).errors).toMatchObject([
      { code: 'ERR_NETGRACE_FAULT', message: expect.stringMatching(/^mine\(\) failed on link #1.*≥ 0, got NaN/) as string },
    ])
  })

  test.each([
    [{ direction: 'upstream' as const }, 'where.direction must be left out for connectLatency()'],
    [{ after: { bytes: 1 } }, 'where.after must be left out for connectLatency()'],
    [{ links: 'open' as const }, "where.links must be 'later' or a function for connectLatency()"],
  ])('%j has no meaning for it', async (where, message) => {
    const proxy = await proxyTo(await echo())
    expect(() => proxy.inject(faults.connectLatency({ ms: 1 }), where)).toThrow(message)
  })
})

describe('every', () => {
  test('a fault is on and off in turns, and what it holds is released when it turns off', async () => {
    const proxy = await proxyTo(await echo())
    const client = await dialled(proxy)
    await client.ask('before')
    const startedAt = performance.now()
    const flaky = proxy.inject(faults.stall(), { direction: 'downstream', every: { onMs: 30, offMs: 15 } })
    expect(await client.ask('held')).toBe('held')
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(30)
    for (let n = 0; n < 40; n++) expect(await client.ask(`${n}`)).toBe(`${n}`) // through many turns
    flaky.heal()
    expect(await client.ask('after')).toBe('after')
    expect([flaky.hits, proxy.history[0]!.faults]).toStrictEqual([1, ['stall() downstream, 30 ms on, 15 ms off']])
  })

  test('a link counts once for times', async () => {
    const proxy = await proxyTo(await echo())
    const flaky = proxy.inject(faults.stall(), { direction: 'downstream', times: 1, every: { onMs: 5, offMs: 5 } })
    const [one, two] = [await dialled(proxy), await dialled(proxy)]
    for (let n = 0; n < 10; n++) await one.ask('x')
    for (let n = 0; n < 10; n++) await two.ask('x')
    expect(flaky.hits).toBe(1)
    expect(proxy.history.map((link) => link.faults.length).toSorted((a, b) => a - b)).toStrictEqual([0, 1])
  })

  test('a server that comes and goes: refuse, on and off', async () => {
    const proxy = await proxyTo(await echo())
    const flapping = proxy.inject(faults.refuse(), { every: { onMs: 20, offMs: 20 } })
    const seen = new Set<string>()
    while (seen.size < 2) {
      await connect(proxy).then(
        async (client) => {
          seen.add('connected')
          await client.close()
        },
        () => seen.add('refused'),
      )
    }
    flapping.heal()
    expect(flapping.hits).toBeGreaterThanOrEqual(1)
    expect(await (await dialled(proxy)).ask('x')).toBe('x')
  })

  test('nothing is switched after a stop', async () => {
    const server = await echo()
    const open = openSockets()
    const proxy = await startProxy(server)
    proxy.inject(faults.refuse(), { every: { onMs: 1, offMs: 1 } })
    proxy.inject(faults.stall(), { every: { onMs: 1, offMs: 1 }, optional: true })
    await turns(20)
    await proxy.stop()
    await until(() => openSockets() === open)
    expect(proxy.state).toBe('stopped')
  })

  test.each([[{ onMs: 1 }], [{ onMs: 0, offMs: 1 }], [{ onMs: 1, offMs: -1 }], [{ onMs: 1, offMs: 1, ms: 1 }], [5]])(
    '%j is refused',
    async (every) => {
      const proxy = await proxyTo(await echo())
      expect(() => proxy.inject(faults.stall(), { every: every as never })).toThrow(/^(?:every|onMs|offMs|every\.offMs)\b/)
    },
  )
})
