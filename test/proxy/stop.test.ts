import type net from 'node:net'

import { describe, expect, test } from 'vitest'

import { FaultUnusedError } from '../../src/model/errors.ts'
import { faults } from '../../src/faults/faults.ts'
import type { Where } from '../../src/model/where.ts'
import { openProxy } from '../../src/proxy/start-proxy.ts'
import { Timeline } from '../../src/timeline/timeline.ts'
import { bareClient, bareServer, closed, dialBare, eventsOf, openSockets, turns, unanswering } from '../support.ts'
import { certificate } from '../certificate.ts'
import { dial, echo } from '../contract/parts.ts'
import { noise, proxyTo } from './parts.ts'

/** Does it, and says in which line of this file the caller did. */
function lineOf(act: () => unknown): { readonly line: number } {
  act()
  const [, , here] = new Error('here').stack!.split('\n')
  return { line: Number(/:(\d+):\d+\)?$/.exec(here!)![1]) }
}

/** Sends for as long as it can. */
function flood(socket: net.Socket): void {
  const piece = noise(16 * 1024)
  const more = (): void => {
    if (socket.writable) socket.write(piece, () => setImmediate(more))
  }
  more()
}

describe('a stop', () => {
  test('gives 50 busy peers on each side a clean end', async () => {
    const serverEnds: Promise<string[]>[] = []
    const bare = await bareServer((socket) => {
      serverEnds.push(eventsOf(socket))
      socket.on('end', () => socket.end())
      flood(socket)
    })
    const proxy = await proxyTo(() => bare, { graceMs: 10_000 })
    const clients = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const client = await bareClient(proxy, { allowHalfOpen: false })
        flood(client)
        return { ends: eventsOf(client) }
      }),
    )
    await Promise.all(Array.from({ length: 50 }, () => proxy.nextLink()))
    const report = await proxy.stop()
    expect(report).toMatchObject({ accepted: 50, endedBefore: 0, forced: [], errors: [] })
    expect(report.drained).toHaveLength(50)
    const clean = Array.from({ length: 50 }, () => ['end', 'close'])
    expect(await Promise.all(clients.map(({ ends }) => ends))).toStrictEqual(clean)
    expect(await Promise.all(serverEnds)).toStrictEqual(clean)
  })

  test('cuts who does not say goodbye, at the deadline', async () => {
    const bare = await bareServer()
    const proxy = await proxyTo(() => bare, { graceMs: 100 })
    const client = await bareClient(proxy)
    const [server, ends] = [await bare.socket(), eventsOf(client)]
    const serverEnds = eventsOf(server)
    const report = await proxy.stop()
    expect(report.forced).toMatchObject([{ id: 1, peer: { port: client.localPort } }])
    expect(report.durationMs).toBeGreaterThanOrEqual(99)
    expect(report.phases.forceMs).toBeLessThan(250)
    client.write('?') // a half-open socket that has seen an end hears of the reset only so
    server.write('?')
    await Promise.all([ends, serverEnds])
  })

  test('cuts who never stops talking at the same deadline: traffic does not put it off', async () => {
    const bare = await bareServer((socket) => flood(socket))
    const proxy = await proxyTo(() => bare, { graceMs: 100 })
    flood(await bareClient(proxy))
    await proxy.nextLink()
    expect((await proxy.stop()).forced).toMatchObject([{ id: 1 }])
  })

  test('drops a dial under way, and its client sees a clean end', async () => {
    const silent = await unanswering()
    const proxy = await proxyTo(() => silent)
    const client = await dial(proxy)
    const link = await proxy.nextLink()
    expect(await proxy.stop({ graceMs: 5000 })).toMatchObject({ accepted: 1, forced: [] })
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer' })
    expect(await link.upstream.ended).toMatchObject({ kind: 'closed', phase: 'connecting' })
  })

  test('later gives the same promise, and can only bring the deadline forward', async () => {
    const bare = await bareServer()
    const proxy = await proxyTo(() => bare, { graceMs: 20_000 })
    await bareClient(proxy)
    await proxy.nextLink()
    const first = proxy.stop()
    const second = proxy.stop({ graceMs: 0 })
    expect(await second).toBe(await first)
    expect((await first).forced).toHaveLength(1)
  })

  test('is what aborting the signal does', async () => {
    const server = await echo()
    const quit = new AbortController()
    const proxy = await proxyTo(server, { signal: quit.signal })
    const client = await dial(proxy)
    await client.ask('hello')
    quit.abort()
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer' })
    expect(await proxy.stop()).toMatchObject({ accepted: 1 })
    expect(proxy.state).toBe('stopped')
  })

  test('leaves nothing that can be asked for', async () => {
    const server = await echo()
    const proxy = await proxyTo(server)
    const waits = [proxy.nextLink(), proxy.saw('never')]
    const refused = Promise.all(waits.map((wait) => expect(wait).rejects.toMatchObject({ code: 'ERR_NETGRACE_STOPPED' })))
    await proxy.stop()
    await refused
    await expect(proxy.nextLink()).rejects.toMatchObject({ code: 'ERR_NETGRACE_STOPPED' })
    await expect(proxy.up()).rejects.toMatchObject({ code: 'ERR_NETGRACE_STOPPED' })
    expect(() => proxy.inject(faults.reset())).toThrow(/was stopped/)
    await closed(dialBare(proxy))
  })
})

describe('a fault that never triggered', () => {
  test('is an error of the stop, once all is down, that says which and why', async () => {
    const open = openSockets()
    const server = await echo()
    const proxy = await proxyTo(server, { seed: 42 })
    proxy.inject(faults.latency({ ms: 5 }), { direction: 'downstream' }).heal()
    const error: unknown = await proxy.stop().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(FaultUnusedError)
    expect(error).toMatchObject({ code: 'ERR_NETGRACE_FAULT_UNUSED', faults: ['latency({"ms":5}) downstream'] })
    expect((error as Error).message).toMatch(/seed 42.*1 fault never triggered[^]*nothing connected to the proxy[^]*optional: true/)
    await server.stop()
    expect(openSockets()).toBe(open)
  })

  test('is told in the report, to whoever throws once for many parts', async () => {
    const proxy = await openProxy(await echo(), { faults: [[faults.reset()]] }, { timeline: new Timeline() })
    const report = await proxy.halt()
    expect(report.errors).toMatchObject([{ code: 'ERR_NETGRACE_FAULT_UNUSED', faults: ['reset() both ways'] }])
    await expect(proxy.stop()).rejects.toBe(report.errors[0])
  })

  test.each<[what: string, where: Where, why: RegExp]>([
    [
      'bytes',
      { after: { bytes: 1000 } },
      /reset\(\) both ways, after 1000 bytes was injected at .*: 6 of the 1,000 bytes came by on 1 link\n/,
    ],
    ['match', { after: { match: 'COMMIT' } }, /never triggered: "COMMIT" was not in the 12 B that came by on 1 link\n/],
    ['time', { after: { ms: 60_000 } }, /never triggered: \d+ of the 60,000 ms had passed on 1 link\n/],
    [
      'bytes and match',
      { direction: 'upstream', after: { bytes: 10, match: /x/ } },
      /: 6 of the 10 bytes came by on 1 link; \/x\/ was not in/,
    ],
    ['links', { links: ({ id }) => id > 1 }, /never triggered: none of 1 link was for it\n/],
    ['links open', { links: 'open' }, /never triggered: none of 1 link was open when it was injected\n/],
    ['probability', { probability: 0 }, /never triggered: chance spared 1 link\n/],
  ])('says what it waited for, what came by, and the line that injected it: %s', async (_what, where, why) => {
    const proxy = await proxyTo(await echo())
    const { line } = lineOf(() => proxy.inject(faults.reset(), where))
    const client = await dial(proxy)
    await client.ask('hello')
    await client.close()
    const error = (await proxy.stop().catch((thrown: unknown) => thrown)) as Error
    expect(error.message).toMatch(why)
    expect(error.message).toContain(`was injected at test/proxy/stop.test.ts:${line}:`)
    expect(error.stack!.slice(error.message.length)).toMatch(new RegExp(`^[^\\n]*\\n {4}at [^\\n]*stop\\.test\\.ts:${line}:`))
  })

  test('because nothing that it acts on came by says so', async () => {
    const proxy = await proxyTo(await echo())
    proxy.inject(faults.slowClose({ ms: 1 }), { direction: 'downstream' })
    await dial(proxy)
    await proxy.nextLink()
    await expect(proxy.stop({ graceMs: 0 })).rejects.toThrow(/it was active on 1 link, and nothing for it came by there/)
  })

  test('because its match would be in TLS says so', async () => {
    const proxy = await proxyTo(await echo({ tls: certificate() }))
    proxy.inject(faults.reset(), { after: { match: 'hello' } })
    const client = await dial(proxy, { tls: { ca: certificate().cert } })
    await client.ask('hello')
    await expect(proxy.saw('hello', { withinMs: 1 })).rejects.toThrow(/; there is TLS, whose contents cannot be seen/)
    await client.close()
    await expect(proxy.stop()).rejects.toThrow(
      /"hello" was not in the .* B that came by on 1 link; the traffic is TLS, so its contents cannot be matched/,
    )
  })

  test('is none if that was allowed, or if it met something', async () => {
    const server = await echo()
    const proxy = await proxyTo(server)
    proxy.inject(faults.reset(), { after: { bytes: 1000 }, optional: true })
    proxy.inject(faults.latency({ ms: 0 }))
    const client = await dial(proxy)
    await client.ask('hello')
    await client.close()
    expect(await proxy.stop()).toMatchObject({ accepted: 1, errors: [] })
  })
})

describe('down', () => {
  test('resets who is connected and refuses who comes, on a port that nobody else can have; up serves again', async () => {
    const server = await echo()
    const proxy = await proxyTo(server)
    const [client, { port }] = [await dial(proxy), proxy]
    await client.ask('hello')
    await proxy.down()
    expect(proxy.state).toBe('down')
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
    await expect(dial(proxy)).rejects.toMatchObject({ ending: { kind: 'refused' } })
    await proxy.up()
    expect(proxy.port).toBe(port)
    expect(await (await dial(proxy)).ask('again')).toBe('again')
  })

  test('can keep who is connected, or end them', async () => {
    const server = await echo()
    const proxy = await proxyTo(server)
    const client = await dial(proxy)
    await client.ask('hello')
    await proxy.down('keep')
    expect(await client.ask('still here?')).toBe('still here?')
    await proxy.down('end')
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer' })
  })

  test('for no possible time is refused, and nothing goes down', async () => {
    const proxy = await proxyTo(await echo())
    await expect(proxy.restart({ downMs: -1 })).rejects.toThrow(/^downMs must be/)
    expect(proxy.state).toBe('listening')
  })

  test('and up twenty times on one port', async () => {
    const server = await echo()
    const proxy = await proxyTo(server)
    for (let n = 0; n < 20; n++) {
      const client = await dial(proxy)
      expect(await client.ask(`round ${n}`)).toBe(`round ${n}`)
      await proxy.restart({ downMs: 0 })
      expect(await client.ended).toMatchObject({ kind: 'reset' })
    }
    expect(proxy.history).toHaveLength(20)
  })

  test('can be stopped while it is only just taking hold of its port', async () => {
    const open = openSockets()
    const server = await echo()
    for (let after = 0; after < 8; after++) {
      const proxy = await proxyTo(server)
      const down = proxy.down()
      await turns(after)
      await Promise.all([down, proxy.stop({ graceMs: 0 })])
    }
    await server.stop()
    expect(openSockets()).toBe(open)
  })

  test('can be stopped', async () => {
    const open = openSockets()
    const server = await echo()
    const proxy = await proxyTo(server)
    await proxy.down()
    await proxy.stop()
    await server.stop()
    expect(openSockets()).toBe(open)
  })
})

describe('what is wrong is said before anything opens', () => {
  test.each<[unknown, Record<string, unknown>, RegExp]>([
    ['nowhere', {}, /^upstream must be/],
    [{ host: '127.0.0.1', port: 1 }, { graceMs: -1 }, /^graceMs must be/],
    [{ host: '127.0.0.1', port: 1 }, { seed: 1.5 }, /^seed must be an integer/],
    [{ host: '127.0.0.1', port: 1 }, { sed: 1 }, /^options: a key must be/],
    [{ host: '127.0.0.1', port: 1 }, { path: '/tmp/x', port: 5 }, /^path must be given without/],
    [{ host: '127.0.0.1', port: 1 }, { faults: [[faults.drop()]] }, /^fault must be one for TCP .*latency, bandwidth or stall/],
    [{ host: '127.0.0.1', port: 1 }, { faults: [[faults.reset(), { times: 0 }]] }, /^times must be/],
  ])('%o, %o', async (upstream, options, message) => {
    const open = openSockets()
    await expect(proxyTo(upstream as never, options)).rejects.toThrow(message)
    expect(openSockets()).toBe(open)
  })

  test.each<[Record<string, unknown>, RegExp]>([
    [{ direction: 'down' }, /^direction must be one of upstream, downstream, both, got "down"/],
    [{ probability: 2 }, /^probability must be a number from 0 to 1, got 2/],
    [{ links: 'new' }, /^links must be/],
    [{ after: { match: '' } }, /^match must be/],
    [{ after: { byte: 1 } }, /^after: a key must be/],
    [{ when: 1 }, /^where: a key must be/],
  ])('where: %o', async (where, message) => {
    const server = await echo()
    const proxy = await proxyTo(server)
    expect(() => proxy.inject(faults.reset(), where)).toThrow(message)
  })

  test('a taken port', async () => {
    const [server, bare] = [await echo(), await bareServer()]
    await expect(proxyTo(server, { port: bare.port })).rejects.toMatchObject({ code: 'ERR_NETGRACE_LISTEN' })
  })
})
