import { describe, expect, test } from 'vitest'

import { faults } from '../../src/faults/faults.ts'
import type { Fault } from '../../src/model/fault.ts'
import { END } from '../../src/model/item.ts'
import type { Link } from '../../src/model/link.ts'
import type { FaultProxy } from '../../src/proxy/fault-proxy.ts'
import type { InjectedFault } from '../../src/proxy/injection.ts'
import { bareClient, bareServer, closed, eventsOf, turns, until } from '../support.ts'
import { dial, echo, serve } from '../contract/parts.ts'
import { Collected, proxyTo } from './parts.ts'

/** A server that half-closes at once and goes on listening. */
const halfClosing = (): ReturnType<typeof serve> =>
  serve(async (connection) => {
    connection.halfClose()
    for await (const _ of connection);
  })

describe('a fault injected by the upstream function', () => {
  test.each([
    ['at once', (server: { readonly port: number; readonly host: string }) => server],
    ['later', async (server: { readonly port: number; readonly host: string }) => turns(2).then(() => server)],
  ])('is on that link once, and healing takes it off: a function that answers %s', async (_when, answer) => {
    const server = await echo()
    let injected: InjectedFault | undefined
    const proxy: FaultProxy = await proxyTo(() => {
      injected ??= proxy.inject(faults.stall(), { direction: 'upstream' })
      return answer(server)
    })
    const client = await dial(proxy)
    await client.send('hello\n')
    await proxy.saw('hello')
    await until(() => injected!.hits > 0)
    expect([injected!.hits, proxy.history[0]!.faults]).toStrictEqual([1, ['stall() upstream']])
    injected!.heal()
    expect(await client.readLine()).toBe('hello')
  })

  test('takes one of its times for that link, not two', async () => {
    const server = await echo()
    let injected: InjectedFault | undefined
    const proxy: FaultProxy = await proxyTo(() => {
      injected ??= proxy.inject(faults.latency({ ms: 1 }), { direction: 'upstream', times: 2 })
      return server
    })
    for (let n = 0; n < 3; n++) await (await dial(proxy)).ask('hello')
    expect([injected!.hits, proxy.history.map((record) => record.faults.length)]).toStrictEqual([2, [1, 1, 0]])
  })
})

describe('a links function', () => {
  test('that throws is reported, with the line that injected it; the link goes without the fault', async () => {
    const proxy = await proxyTo(await echo())
    proxy.inject(faults.reset(), {
      links: () => {
        throw new Error('a bug of mine')
      },
      optional: true,
    })
    const client = await dial(proxy)
    expect(await client.ask('hello')).toBe('hello')
    await client.close()
    const { errors } = await proxy.stop()
    expect(errors.map(({ message }) => message)).toStrictEqual([
      'the `links` function of reset() both ways, on chosen links threw for link #1, which goes without the fault: a bug of mine',
    ])
    expect(errors[0]!.stack).toMatch(/\n {4}at .*injection\.test\.ts:\d+/)
  })

  test('that throws is why its fault never triggered', async () => {
    const proxy = await proxyTo(await echo())
    proxy.inject(faults.reset(), {
      links: () => {
        throw new Error('a bug of mine')
      },
    })
    await (await dial(proxy)).ask('hello')
    await expect(proxy.stop({ graceMs: 0 })).rejects.toThrow(/never triggered: its `links` function threw: a bug of mine/)
  })

  test.each([
    ['an address', (server: { readonly host: string; readonly port: number }) => server],
    ['a function', (server: { readonly host: string; readonly port: number }) => () => server],
    ['a promise', (server: { readonly host: string; readonly port: number }) => async () => turns(5).then(() => server)],
  ])('may ask where a link leads, whose upstream is given by %s', async (_what, upstream) => {
    const server = await echo()
    const proxy = await proxyTo(upstream(server))
    const port = ({ upstream: { endpoint } }: Link): number => (endpoint as { port: number }).port
    const injected = proxy.inject(faults.stall(), { direction: 'upstream', links: (link) => port(link) === server.port })
    proxy.inject(faults.reset(), { links: (link) => port(link) !== server.port, optional: true })
    const client = await dial(proxy)
    await client.send('held\n')
    await proxy.saw('held')
    await until(() => injected.hits > 0)
    injected.heal()
    expect(await client.readLine()).toBe('held')
    await client.close()
    expect((await proxy.stop()).errors).toStrictEqual([])
  })

  test('that does not ask where a link leads is asked at once, though that is not known yet', async () => {
    const proxy = await proxyTo(() => new Promise<never>(() => {}))
    proxy.inject(faults.reset(), { links: ({ id }) => id === 1 })
    expect(await (await dial(proxy)).ended).toMatchObject({ kind: 'reset', by: 'peer' })
  })

  test('that asks where a link leads, which is never known, leaves the link to be reset', async () => {
    const proxy = await proxyTo(() => turns(3).then(() => Promise.reject(new Error('no idea'))))
    proxy.inject(faults.stall(), { links: ({ upstream: { endpoint } }) => 'port' in endpoint!, optional: true })
    const client = await dial(proxy)
    await client.send('hello')
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
    expect((await proxy.stop()).errors).toMatchObject([{ message: 'no idea' }])
  })
})

describe('a lane that is over', () => {
  test('is no way out of a reset: it acts on the link', async () => {
    const proxy = await proxyTo(await halfClosing())
    const client = await bareClient(proxy)
    const ends = eventsOf(client)
    await until(() => client.readableEnded)
    await until(() => proxy.history[0]!.upstream !== undefined)
    const injected = proxy.inject(faults.reset(), { direction: 'downstream' })
    expect([injected.hits, proxy.history[0]!.faults]).toStrictEqual([1, ['reset() downstream']])
    await until(() => proxy.links.size === 0)
    client.write('?') // a half-open socket that has seen an end hears of the reset only so
    expect((await ends).at(-2)).toMatch(/^(?:ECONNRESET|EPIPE)$/)
  })

  test('nor of an end: both sides have their FIN', async () => {
    const bare = await bareServer((socket) => void socket.end())
    const proxy = await proxyTo(bare)
    const client = await bareClient(proxy)
    client.resume()
    const atServer = new Collected(await bare.socket())
    await until(() => client.readableEnded)
    expect(proxy.inject(faults.end(), { direction: 'downstream' }).hits).toBe(1)
    await until(() => atServer.ended)
    client.end()
    await closed(client)
  })

  test('nor of a reset that was to come a while after it', async () => {
    const proxy = await proxyTo(await halfClosing())
    const injected = proxy.inject(faults.reset(), { direction: 'downstream', after: { ms: 60 } })
    const client = await bareClient(proxy)
    client.resume()
    await until(() => client.readableEnded)
    expect(injected.hits).toBe(0)
    await until(() => proxy.links.size === 0)
    expect(injected.hits).toBe(1)
  })

  test('and another fault on it never triggers', async () => {
    const proxy = await proxyTo(await halfClosing())
    const client = await bareClient(proxy)
    client.resume()
    await until(() => client.readableEnded)
    const injected = proxy.inject(faults.latency({ ms: 1 }), { direction: 'downstream' })
    await turns(5)
    injected.heal()
    expect(injected.hits).toBe(0)
  })
})

describe('a reset that triggers behind an end that is still held', () => {
  const holding = (): { fault: Fault; seen: unknown[]; release: () => void } => {
    const seen: unknown[] = []
    let release = (): void => {}
    const fault: Fault = (lane) => ({
      push(item) {
        seen.push(item)
        release = () => lane.emit(item)
      },
      flush() {},
      dispose() {},
    })
    return { fault, seen, release: () => release() }
  }

  test('is not pushed into the stage that holds it, and replaces it when it is delivered', async () => {
    const proxy = await proxyTo(await halfClosing())
    const reset = proxy.inject(faults.reset(), { direction: 'downstream', after: { match: 'now' } })
    const held = holding()
    proxy.inject(held.fault, { direction: 'downstream' })
    const client = await dial(proxy)
    await until(() => held.seen.length > 0)
    await client.send('now')
    await until(() => reset.hits > 0)
    await turns(5)
    expect(held.seen).toStrictEqual([END])
    expect(proxy.history).toMatchObject([{ client: undefined }])
    held.release()
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
  })
})

describe('a fault that is healed by another one, while something comes', () => {
  test('lets go of what it holds once that has come, in order', async () => {
    const server = await echo()
    const proxy = await proxyTo(server)
    const slow = proxy.inject(faults.latency({ ms: 30 }), { direction: 'upstream' })
    proxy.inject(
      function healer(lane) {
        return {
          push(item) {
            slow.heal()
            lane.emit(item)
          },
          flush() {},
          dispose() {},
        }
      },
      { direction: 'upstream' },
    )
    const client = await dial(proxy)
    await client.send('one\n')
    await proxy.saw('one')
    await client.send('two\n')
    await proxy.saw('two')
    expect([await client.readLine(), await client.readLine()]).toStrictEqual(['one', 'two'])
    expect(await client.ask('three')).toBe('three')
  })

  test('may be that other one itself', async () => {
    const proxy = await proxyTo(await echo())
    const once: InjectedFault = proxy.inject(
      function onlyOnce(lane) {
        return {
          push(item) {
            once.heal()
            lane.emit(item)
          },
          flush() {},
          dispose() {},
        }
      },
      { direction: 'upstream' },
    )
    const client = await dial(proxy)
    expect(await client.ask('hello')).toBe('hello')
    expect(await client.ask('again')).toBe('again')
    expect(once.hits).toBe(1)
  })
})

test('a fault whose function throws is reported as that, resets its link, and counts as a hit', async () => {
  const proxy = await proxyTo(await echo())
  const injected = proxy.inject(function mine(): never {
    throw new Error('a bug of mine')
  })
  const client = await dial(proxy)
  expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
  expect(injected.hits).toBe(1)
  expect((await proxy.stop()).errors).toMatchObject([
    { message: 'mine() both ways could not begin on link #1, its function threw: a bug of mine', cause: { message: 'a bug of mine' } },
  ])
})

describe('after 0 bytes', () => {
  test.each([
    ['end', faults.end(), ['end', 'close']],
    ['reset', faults.reset(), ['ECONNRESET', 'close']],
  ] as const)('%s comes when the link opens: both sides see it, and no byte of its lane passes', async (_name, fault, seen) => {
    for (const direction of ['upstream', 'downstream', 'both'] as const) {
      const bare = await bareServer((socket) => void socket.on('end', () => socket.end()))
      const proxy = await proxyTo(bare, { faults: [[fault, { direction, after: { bytes: 0 } }]] })
      const client = await bareClient(proxy, { allowHalfOpen: false })
      client.write('hello')
      const server = await bare.socket()
      const [atServer, ends] = [new Collected(server), eventsOf(server)]
      expect(await eventsOf(client)).toStrictEqual(seen)
      expect(await ends).toStrictEqual(seen)
      if (direction !== 'downstream') expect([atServer.size, proxy.history[0]!.bytes]).toStrictEqual([0, { upstream: 0, downstream: 0 }])
    }
  })

  test('of a link that is open is at once', async () => {
    const proxy = await proxyTo(await echo())
    const client = await dial(proxy)
    await client.ask('hello')
    const injected = proxy.inject(faults.reset(), { after: { bytes: 0 } })
    expect(injected.hits).toBe(1)
    expect(await client.ended).toMatchObject({ kind: 'reset' })
  })
})

test('linksReach resolves once so many links are live at once, and says how many there were', async () => {
  const proxy = await proxyTo(await echo())
  const reached = proxy.linksReach(2)
  const clients = [await dial(proxy), await dial(proxy)]
  expect((await reached).map(({ id }) => id)).toStrictEqual([1, 2])
  await expect(proxy.linksReach(3, { withinMs: 20 })).rejects.toMatchObject({
    code: 'ERR_NETGRACE_TIMEOUT',
    message: expect.stringMatching(/did not reach 3 live links within 20 ms/) as string,
  })
  for (const client of clients) await client.close()
  const waiting = expect(proxy.linksReach(5)).rejects.toMatchObject({ code: 'ERR_NETGRACE_STOPPED' })
  await proxy.stop()
  await waiting
})
