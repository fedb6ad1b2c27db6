import { once } from 'node:events'

import { describe, expect, test } from 'vitest'

import { faults } from '../../src/faults/faults.ts'
import { describeEnding } from '../../src/model/describe-ending.ts'
import type { Endpoint } from '../../src/model/endpoint.ts'
import type { FaultProxy } from '../../src/proxy/fault-proxy.ts'
import type { ProxyOptions } from '../../src/proxy/proxy-options.ts'
import { openProxy } from '../../src/proxy/start-proxy.ts'
import type { UpstreamAddress } from '../../src/proxy/upstream.ts'
import { tellStory } from '../../src/timeline/story.ts'
import { Timeline } from '../../src/timeline/timeline.ts'
import { bareClient, bareServer, closed, dialBare, eventsOf, openSockets, refusing, textOf, turns, unanswering, until } from '../support.ts'
import type { NetLink } from '../../src/proxy/link.ts'
import { dial, echo, serve } from '../contract/parts.ts'
import { Collected, noise, proxyTo, writeAll } from './parts.ts'

describe('bytes', () => {
  test('pass unchanged, both ways at once', async () => {
    const [up, down] = [noise(3_000_000), noise(3_000_000)]
    const bare = await bareServer()
    const proxy = await proxyTo(bare)
    const client = await bareClient(proxy)
    const server = await bare.socket()
    const [atServer, atClient] = [new Collected(server), new Collected(client)]
    await Promise.all([writeAll(client, up), writeAll(server, down)])
    expect((await atServer.atLeast(up.length)).bytes.equals(up)).toBe(true)
    expect((await atClient.atLeast(down.length)).bytes.equals(down)).toBe(true)
    const [link] = proxy.links
    expect(link!.bytes).toStrictEqual({ upstream: up.length, downstream: down.length })
  })

  test('of a sender whose reader sleeps wait in the sender', async () => {
    const bare = await bareServer(() => {}, { pauseOnConnect: true })
    const proxy = await proxyTo(bare)
    const client = await bareClient(proxy)
    const server = await bare.socket()
    const all = noise(48 * 2 ** 20) // more than the kernels' buffers and the proxy together
    let written = false
    const writing = writeAll(client, all).then(() => (written = true))
    const [link] = proxy.links
    let last = -1
    while (link!.bytes.upstream !== last) {
      last = link!.bytes.upstream
      await turns(200)
    }
    expect(written).toBe(false)
    const atServer = new Collected(server)
    server.resume()
    await writing
    expect((await atServer.atLeast(all.length)).bytes.equals(all)).toBe(true)
  })
})

describe('endings', () => {
  test('a half-close passes on, and the answer still comes', async () => {
    const server = await serve(async (connection) => {
      const question = await connection.readToEnd()
      await connection.send(`${question.length} bytes`)
    })
    const proxy = await proxyTo(server)
    const client = await bareClient(proxy)
    const answer = textOf(client)
    client.end(noise(100_000))
    expect(await answer).toBe('100000 bytes')
  })

  test("the server's half-close passes on, and it still hears the client", async () => {
    const bare = await bareServer()
    const proxy = await proxyTo(bare)
    const client = await bareClient(proxy)
    const server = await bare.socket()
    client.resume()
    server.end('bye')
    await once(client, 'end')
    const heard = textOf(server)
    client.end('are you there?')
    expect(await heard).toBe('are you there?')
  })

  test.each([0, 1, 70_000])('a reset by the server behind %i bytes reaches the client as a reset, behind the bytes', async (size) => {
    const data = noise(size)
    const server = await serve(async (connection) => {
      if (size > 0) await connection.send(data)
      await connection.reset()
    })
    const proxy = await proxyTo(server)
    const client = await dial(proxy)
    expect((await client.readToEnd()).equals(data)).toBe(true)
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer', certain: true })
    expect(proxy.history).toMatchObject([{ upstream: { kind: 'reset', by: 'peer' } }])
  })

  test('100 resets right behind data by a server that knows no better are resets, not ends', async () => {
    const bare = await bareServer((socket) => {
      socket.write('x'.repeat(1000))
      setImmediate(() => socket.resetAndDestroy())
    })
    const proxy = await proxyTo(() => bare)
    for (let n = 0; n < 100; n++) {
      const client = await dial(proxy)
      expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer', certain: true })
    }
  })

  test('a client that dies behind its FIN, while that is still held, is a reset to the server', async () => {
    const bare = await bareServer()
    const proxy = await proxyTo(() => bare)
    const stalled = proxy.inject(faults.stall(), { direction: 'upstream' })
    const client = await bareClient(proxy)
    const server = await bare.socket()
    const link = await proxy.nextLink()
    client.end()
    await link.client.ended
    client.resetAndDestroy()
    await closed(client)
    const events = eventsOf(server)
    server.write('?') // only so it is noticed
    await until(() => (link as NetLink).client.gone)
    stalled.heal()
    expect(await events).toStrictEqual(['ECONNRESET', 'close'])
  })

  test('a reset by the client reaches the server as a reset', async () => {
    const server = await echo()
    const proxy = await proxyTo(server)
    const client = await dial(proxy)
    await client.ask('hello')
    const serverSide = await server.nextConnection()
    await client.reset()
    expect(await serverSide.ended).toMatchObject({ kind: 'reset', by: 'peer', certain: true })
  })

  test('a reset by the server after its answer to a half-close still is one', async () => {
    const bare = await bareServer()
    const proxy = await proxyTo(bare)
    const client = await bareClient(proxy)
    const events = eventsOf(client)
    const server = await bare.socket()
    client.end()
    server.resume()
    await once(server, 'end')
    server.resetAndDestroy()
    expect(await events).toStrictEqual(['ECONNRESET', 'close'])
  })

  test('a client that is gone behind its FIN is known to the server by a reset', async () => {
    const bare = await bareServer()
    const proxy = await proxyTo(bare)
    const client = await bareClient(proxy)
    const server = await bare.socket()
    client.end()
    server.on('data', () => {})
    await once(server, 'end')
    client.resetAndDestroy()
    const serverClosed = closed(server)
    const ticker = setInterval(() => server.write('?'), 1)
    await serverClosed
    clearInterval(ticker)
  })

  test('both sides of an ended link are on record', async () => {
    const server = await echo()
    const proxy = await proxyTo(server)
    const client = await dial(proxy)
    const link = await proxy.nextLink()
    await client.ask('hello')
    await client.close()
    expect(describeEnding(await link.client.ended)).toBe('EOF: the peer closed the connection gracefully')
    expect(await link.upstream.ended).toMatchObject({ kind: 'eof', by: 'local' })
    expect(proxy.history).toMatchObject([{ id: 1, bytes: { upstream: 6, downstream: 6 }, faults: [] }])
  })
})

describe('the upstream', () => {
  test('is dialled for links only: a server that counts its connections is not changed by having a proxy', async () => {
    const bare = await bareServer()
    const proxy = await proxyTo(`tcp://127.0.0.1:${bare.port}`)
    let connections = 0
    bare.server.on('connection', () => connections++)
    await turns(20)
    expect(connections).toBe(0)
    await bareClient(proxy)
    await bare.socket()
    expect(connections).toBe(1)
    expect(await proxy.stop()).toMatchObject({ accepted: 1, errors: [] })
  })

  test('that refuses resets the client; history, story and stop say why', async () => {
    const dead = await refusing()
    const timeline = new Timeline()
    const proxy = await openProxy(dead, {}, { timeline })
    const ends = eventsOf(dialBare(proxy))
    expect((await ends).at(-2)).toBe('ECONNRESET')
    await until(() => proxy.links.size === 0)
    const why = `nothing listens at 127.0.0.1:${dead.port} (ECONNREFUSED)`
    expect(proxy.history).toMatchObject([{ unreachable: why, upstream: { kind: 'refused' } }])
    expect(tellStory(timeline)).toContain(why)
    const error: unknown = await proxy.stop().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'ERR_NETGRACE_UPSTREAM',
      message: expect.stringContaining(`${why}, so its one dial failed.`) as string,
    })
    expect((error as Error).stack).toMatch(/\n {4}at .*passing-on\.test\.ts:\d+:\d+/)
  })

  test.each<
    [what: string, upstream: (dead: Endpoint) => UpstreamAddress, options: ProxyOptions, before: (proxy: FaultProxy) => Promise<void>]
  >([
    ['a function', (dead) => () => dead, {}, async () => {}],
    ['allowUnreachable', (dead) => dead, { allowUnreachable: true }, async () => {}],
    ['a proxy that has been down', (dead) => dead, {}, (proxy) => proxy.restart()],
  ])('that refuses each dial is no error of the stop with %s', async (_what, upstream, options, before) => {
    const proxy = await proxyTo(upstream(await refusing()), options)
    await before(proxy)
    await closed(dialBare(proxy))
    expect(await proxy.stop()).toMatchObject({ accepted: 1, errors: [] })
  })

  test('that refuses is the one error, though faults never triggered: that is why', async () => {
    const proxy = await openProxy(await refusing(), { faults: [[faults.reset(), { after: { bytes: 5 } }]] }, { timeline: new Timeline() })
    await closed(dialBare(proxy))
    expect((await proxy.halt()).errors).toMatchObject([{ code: 'ERR_NETGRACE_UPSTREAM' }])
  })

  test.each([
    ['stall', faults.stall()],
    ['blackhole', faults.blackhole()],
    ['latency', faults.latency({ ms: 60_000 })],
  ])('that refuses keeps the word of %s: both ends stay open', async (_name, fault) => {
    const proxy = await proxyTo(await refusing())
    const injected = proxy.inject(fault)
    const client = await dial(proxy)
    const link = await proxy.nextLink()
    await client.send('hello')
    expect(await link.upstream.ended).toMatchObject({ kind: 'refused' })
    await turns(50)
    expect([client.socket.readyState, proxy.links.size, injected.hits]).toStrictEqual(['open', 1, 1])
    injected.heal()
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
    expect(link.bytes).toStrictEqual({ upstream: 0, downstream: 0 })
  })

  test('that refuses is behind a latency no sooner than that', async () => {
    const proxy = await proxyTo(await refusing(), { faults: [[faults.latency({ ms: 80 })]] })
    const startedAt = performance.now()
    const client = await dial(proxy)
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(80)
  })

  test('that refuses has been passed no bytes', async () => {
    const dead = await refusing()
    const proxy = await proxyTo(() => dead)
    const client = dialBare(proxy)
    client.write('hello')
    await closed(client)
    await until(() => proxy.links.size === 0)
    expect(proxy.history).toMatchObject([{ bytes: { upstream: 0, downstream: 0 } }])
  })

  test('that is a stopped server of ours is an error there', async () => {
    const server = await echo()
    await server.stop()
    await expect(proxyTo(server)).rejects.toMatchObject({ code: 'ERR_NETGRACE_UPSTREAM' })
  })

  test('that is a server of ours to be started later is none, if that is allowed', async () => {
    const server = await echo()
    await server.stop()
    const proxy = await proxyTo(server, { allowUnreachable: true })
    await server.start()
    expect(await (await dial(proxy)).ask('hello')).toBe('hello')
  })

  test('that is a running server of ours is not dialled to see whether it is there', async () => {
    const server = await echo()
    const proxy = await proxyTo(server)
    const client = await dial(proxy)
    await client.ask('hello')
    await client.close()
    expect(await server.stop()).toMatchObject({ accepted: 1 })
  })

  test('that dies later resets the client, never ends it', async () => {
    const bare = await bareServer()
    const proxy = await proxyTo(bare)
    await bare.close()
    const client = await dial(proxy)
    const link = await proxy.nextLink()
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
    expect(await link.upstream.ended).toMatchObject({ kind: 'refused', phase: 'connecting' })
  })

  test('that does not answer the dial in time resets the client, and others are served meanwhile', async () => {
    const [silent, server] = [await unanswering(), await echo()]
    let dials = 0
    const proxy = await proxyTo(() => (++dials === 1 ? silent : server), { dialTimeoutMs: 300 })
    const first = await dial(proxy)
    const second = await dial(proxy)
    expect(await second.ask('hello')).toBe('hello')
    expect(await first.ended).toMatchObject({ kind: 'reset', by: 'peer' })
    expect(proxy.history[0]).toMatchObject({ upstream: { kind: 'timeout', phase: 'connecting' } })
  })

  test('given by a function that throws resets the client, and the report has the error', async () => {
    const proxy = await proxyTo(() => {
      throw new Error('no idea')
    })
    const client = dialBare(proxy)
    await closed(client)
    expect((await proxy.stop()).errors).toMatchObject([{ message: 'no idea' }])
  })

  test('whose URL has a scheme, a user and a path gives the proxy its URL', async () => {
    const bare = await bareServer()
    const proxy = await proxyTo(`postgres://me:secret@127.0.0.1:${bare.port}/shop?x=1`)
    expect(proxy.url).toBe(`postgres://me:secret@127.0.0.1:${proxy.port}/shop?x=1`)
    expect((await proxyTo(bare)).url).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/)
  })

  test('by its name localhost keeps it in the URL, for a certificate may be made out to it', async () => {
    const { port } = await bareServer()
    const urls = [`https://localhost:${port}/a`, `redis://u:p@LOCALHOST:${port}/2`, `localhost:${port}`, { host: 'db.localhost', port }]
    const proxies = await Promise.all(urls.map((url) => proxyTo(url)))
    expect(proxies.map((proxy) => proxy.url.replace(`:${proxy.port}`, ':PORT'))).toStrictEqual([
      'https://localhost:PORT/a',
      'redis://u:p@LOCALHOST:PORT/2',
      'tcp://localhost:PORT',
      'tcp://db.localhost:PORT',
    ])
  })

  test('by any other name does not: that leads to the upstream', async () => {
    expect((await proxyTo('https://db.test/a')).url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/a$/)
  })

  test('is dialled while the client already sends', async () => {
    const server = await echo()
    let give = (_server: typeof server): void => {}
    const proxy = await proxyTo(() => new Promise((resolve) => (give = resolve)))
    const client = await dial(proxy)
    await client.send('early\n')
    await proxy.saw('early')
    give(server)
    expect(await client.readLine()).toBe('early')
  })

  test('may be dialled late: the client waits with more than a proxy takes in, and then all of it comes', async () => {
    const bare = await bareServer()
    let give = (): void => {}
    const proxy = await proxyTo(() => new Promise((resolve) => (give = () => resolve(bare))))
    const client = await bareClient(proxy)
    const all = noise(8 * 2 ** 20)
    const writing = writeAll(client, all)
    const [link] = proxy.links
    let last = -1
    while (link!.bytes.upstream !== last) {
      last = link!.bytes.upstream
      await turns(200)
    }
    give()
    const atServer = new Collected(await bare.socket())
    await writing
    expect((await atServer.atLeast(all.length)).bytes.equals(all)).toBe(true)
  })

  test('that is still being looked for when the client resets is never dialled', async () => {
    const server = await echo()
    let give = (_server: typeof server): void => {}
    const proxy = await proxyTo(() => new Promise((resolve) => (give = resolve)))
    const client = await dial(proxy)
    const link = await proxy.nextLink()
    await client.reset()
    expect(await link.upstream.ended).toMatchObject({ kind: 'closed', phase: 'connecting' })
    give(server)
    await turns(5)
    expect(await server.stop()).toMatchObject({ accepted: 0 })
  })
})

test('nothing is left open', async () => {
  const before = openSockets()
  const server = await echo()
  const proxy = await proxyTo(server)
  const clients = [await dial(proxy), await dial(proxy), await dial(proxy)] as const
  await Promise.all(clients.map((client) => client.ask('hello')))
  await Promise.all([clients[0].close(), clients[1].reset(), proxy.stop()])
  await Promise.all([server.stop(), clients[2].close()])
  expect(openSockets()).toBe(before)
})
