import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { connect as dial, type NetConnectOpts, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, onTestFinished, test } from 'vitest'

import { handlers, openRig, type Rig, type RigOptions } from '../../src/index.ts'
import { tellStory } from '../../src/timeline/story.ts'
import { until } from '../support.ts'

/** A client that none of our code has opened, and that has been answered once. */
async function stranger(to: { host: string; port: number } | { path: string }, options: Partial<NetConnectOpts> = {}): Promise<Socket> {
  const where = 'host' in to ? { host: to.host, port: to.port } : to
  const socket = dial({ ...where, ...options } as NetConnectOpts).on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.write('hello\n')
  await once(socket, 'data')
  socket.resume()
  return socket
}

/** Where strangers connect to: straight to an echo server, or through a proxy that is younger or older than it. */
const places: Record<string, (rig: Rig) => Promise<{ host: string; port: number }>> = {
  'a server': (rig) => rig.echo(),
  'a proxy before it': async (rig) => rig.proxy(await rig.echo()),
  'a proxy that is older than its server': async (rig) => {
    const proxy = await rig.proxy(() => server)
    const server = await rig.echo()
    return proxy
  },
}

async function closing(rig: Rig): Promise<Error | undefined> {
  return rig.close().then(
    () => undefined,
    (error: Error) => error,
  )
}

describe.each(Object.entries(places))('a foreign client of %s', (_, place) => {
  test("that was open when the test ended, and answers our FIN, passes, and stands in the story; forgotten: 'fail' fails the test", async () => {
    for (const forgotten of ['report', 'fail'] as const) {
      const rig = openRig({ forgotten })
      const { localPort } = await stranger(await place(rig))
      const error = await closing(rig)
      const sentence = new RegExp(
        `1 client was still open when the test ended: 127.0.0.1:${localPort} → \\w+://127.0.0.1:\\d+.* received 6 B`,
      )
      if (forgotten === 'report') {
        expect(error).toBeUndefined()
        expect(tellStory(rig.timeline)).toMatch(sentence)
      } else {
        expect(error).toMatchObject({ code: 'ERR_NETGRACE_FORGOTTEN', message: expect.stringMatching(sentence) as string })
        expect(error!.message).toMatch(/opened at test\/rig\/foreign\.test\.ts:\d+/)
        expect(error!.stack!.split('\n').find((line) => line.trimStart().startsWith('at '))).toContain('foreign.test.ts')
      }
    }
  })

  test('that does not answer our FIN has to be cut, and fails the test, unless that is permitted', async () => {
    for (const allowForced of [false, true]) {
      const rig = openRig({ graceMs: 50, allowForced })
      const { localPort } = await stranger(await place(rig), { allowHalfOpen: true })
      const error = await closing(rig)
      if (allowForced) expect(error).toBeUndefined()
      else expect(error).toMatchObject({ name: 'ForcedConnectionError', forced: [{ peer: { port: localPort } }] })
    }
  })

  test.each([
    ['a FIN', (socket: Socket) => socket.end()],
    ['a FIN of destroy()', (socket: Socket) => socket.destroy()],
    ['an RST', (socket: Socket) => socket.resetAndDestroy()],
  ])('that closed with %s at the very end is not forgotten', async (_how, close) => {
    const rig = openRig({ forgotten: 'fail' })
    const socket = await stranger(await place(rig))
    close(socket)
    expect(await closing(rig)).toBeUndefined()
  })

  test('that the rig adopted is closed by the rig', async () => {
    const rig = openRig({ forgotten: 'fail' })
    rig.adopt(await stranger(await place(rig)), (socket) => socket.end())
    expect(await closing(rig)).toBeUndefined()
  })
})

describe("with forgotten: 'fail'", () => {
  const fail: RigOptions = { forgotten: 'fail' }

  test("the rig's own clients, also through proxies, in threads and of scenarios, are none of it", async () => {
    const rig = openRig(fail)
    const server = await rig.echo()
    const proxy = await rig.proxy(server)
    await (await rig.connect(server)).ask('a')
    await (await rig.connect(proxy)).ask('b')
    await (await rig.spawn(proxy, { in: 'thread' })).ask('c')
    ;(await rig.scenario(server, { clients: 2, messages: 2 })).assertOk()
    expect(await closing(rig)).toBeUndefined()
  })

  test('a connection that the server had ended already is none of it', async () => {
    const rig = openRig(fail)
    const server = await rig.server(async (connection) => connection.send('bye\n'))
    for (let n = 0; n < 20; n++) await stranger(server)
    expect(await closing(rig)).toBeUndefined()
  })

  test('the connection that the pool of fetch keeps is one', async () => {
    const rig = openRig(fail)
    const app = await rig.http((_request, response) => response.end('hello'))
    await (await fetch(app.url)).text()
    expect(await closing(rig)).toMatchObject({ code: 'ERR_NETGRACE_FORGOTTEN' })
  })

  test('one server, or one proxy, can be let off', async () => {
    const rig = openRig(fail)
    const server = await rig.echo({ forgotten: 'report' })
    await stranger(server)
    await stranger(await rig.proxy(server, { forgotten: 'report' }))
    expect(await closing(rig)).toBeUndefined()
  })

  test('a server that ends its connections by itself is not judged', async () => {
    const rig = openRig({ ...fail, graceMs: 50 })
    const server = await rig.echo({ closing: { how: 'graceful', afterMs: 60_000 } })
    await stranger(server)
    await stranger(server, { allowHalfOpen: true })
    expect(await closing(rig)).toBeUndefined()
  })
})

describe('a handler that never reads', () => {
  test.each(Object.entries(places).slice(0, 2))('accuses no client of the rig: %s', async (name) => {
    const rig = openRig({ graceMs: 20_000 })
    const server = await rig.server(() => {})
    const client = await rig.connect(name === 'a server' ? server : await rig.proxy(server))
    await client.send('x')
    await server.nextConnection()
    const before = performance.now()
    expect(await closing(rig)).toBeUndefined()
    expect(performance.now() - before).toBeLessThan(10_000) // the end of its client is seen: nothing waits for the grace
  })

  test('accuses no foreign client that has closed', async () => {
    const rig = openRig({ forgotten: 'fail' })
    const server = await rig.server((connection) => void connection.send('hello\n'))
    const socket = await stranger(server)
    socket.end()
    expect(await closing(rig)).toBeUndefined()
  })

  test('accuses a proxy of nothing whose link has ended', async () => {
    const rig = openRig({ graceMs: 50 })
    const server = await rig.server(() => {})
    const proxy = await rig.proxy(server)
    const client = await rig.connect(proxy)
    await client.send('x')
    await server.nextConnection()
    await client.reset()
    await until(() => proxy.links.size === 0)
    expect(await closing(rig)).toBeUndefined()
  })
})

test.each([false, true])('over a unix socket, a stranger is found beside a client of the rig: %s', async (withOwn) => {
  const path = join(mkdtempSync(join(tmpdir(), 'netgrace-')), 's')
  const rig = openRig({ graceMs: 50 })
  const server = await rig.server((connection) => void connection.send('hello\n'), { path })
  if (withOwn) await (await rig.connect(server)).reset()
  await stranger({ path }, { allowHalfOpen: true })
  const own = await rig.connect(server)
  await own.readLine()
  expect(await closing(rig)).toMatchObject({ name: 'ForcedConnectionError', forced: { length: 1 } })
})

test('over a unix socket, the clients of the rig are its own', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'netgrace-')), 's')
  const rig = openRig({ forgotten: 'fail', graceMs: 500 })
  const server = await rig.server(handlers.echo(), { path })
  const proxy = await rig.proxy(server)
  await (await rig.connect(server)).ask('a')
  await (await rig.connect(proxy)).ask('b')
  expect(await closing(rig)).toBeUndefined()
})
