import { once } from 'node:events'
import { existsSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'

import { describe, expect, onTestFinished, test } from 'vitest'

import {
  connect,
  handlers,
  startServer,
  type Client,
  type Connection,
  type GracefulServer,
  type Handler,
  type ServerOptions,
} from '../../src/index.ts'
import { certificate } from '../certificate.ts'
import { closed, dialBare, openSockets, turns, until } from '../support.ts'

interface Transport {
  readonly name: 'TCP' | 'TLS' | 'unix'
  server(): ServerOptions
  client(): object
  /** What the other side of a reset sees. */
  readonly reset: 'reset' | 'eof'
}

let paths = 0
const freshPath = (): string => join(tmpdir(), `netgrace-${process.pid}-${++paths}.sock`)

const transports: Transport[] = [
  { name: 'TCP', server: () => ({}), client: () => ({}), reset: 'reset' },
  { name: 'TLS', server: () => ({ tls: certificate() }), client: () => ({ tls: { ca: certificate().cert } }), reset: 'reset' },
  { name: 'unix', server: () => ({ path: freshPath() }), client: () => ({}), reset: 'eof' }, // there is no RST on them
]

describe.each(transports)('over $name', (transport) => {
  async function serve(handler: Handler = handlers.echo(), options: ServerOptions = {}): Promise<GracefulServer> {
    const server = await startServer(handler, { ...transport.server(), ...options })
    onTestFinished(async () => void (await server.stop({ graceMs: 0 })))
    return server
  }

  async function dial(server: GracefulServer, options: object = {}): Promise<{ client: Client; connection: Connection }> {
    const client = await connect(server, { ...transport.client(), ...options })
    onTestFinished(async () => void (await client.reset()))
    return { client, connection: await server.nextConnection() }
  }

  test('a line comes back, and a megabyte, byte for byte', async () => {
    const { client } = await dial(await serve())
    expect(await client.ask('hello')).toBe('hello')
    const megabyte = Buffer.from(Array.from({ length: 2 ** 20 }, (_, n) => n % 251))
    const [back] = await Promise.all([client.read(megabyte.length), client.send(megabyte)])
    expect(back.equals(megabyte)).toBe(true)
  })

  test("the server's close is eof by the peer, and by local on its own side", async () => {
    const { client, connection } = await dial(await serve(() => {}))
    const closing = connection.close()
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer', certain: true })
    expect(await closing).toMatchObject({ kind: 'eof', by: 'local' })
  })

  test("the client's close is eof by local, and by the peer on the server's side", async () => {
    const { client, connection } = await dial(await serve())
    expect(await client.close()).toMatchObject({ kind: 'eof', by: 'local' })
    expect(await connection.ended).toMatchObject({ kind: 'eof', by: 'peer', certain: true })
  })

  test('a reset is told as what the other side of this transport can see', async () => {
    const server = await serve()
    const one = await dial(server)
    await one.client.ask('hello')
    expect(await one.connection.reset()).toMatchObject({ kind: 'reset', by: 'local', certain: true })
    expect(await one.client.ended).toMatchObject({ kind: transport.reset, by: 'peer', certain: true })
    const other = await dial(server)
    await other.client.ask('hello')
    expect(await other.client.reset()).toMatchObject({ kind: 'reset', by: 'local', certain: true })
    expect(await other.connection.ended).toMatchObject({ kind: transport.reset, by: 'peer', certain: true })
  })

  test('a reset right behind data is never a certain end', async () => {
    const server = await serve(async (connection) => {
      const size = Number(await connection.readLine())
      connection.socket.write(Buffer.alloc(size))
      await connection.reset()
    })
    for (let n = 0; n < 50; n++) {
      const { client } = await dial(server)
      void client.send(`${1 + ((n * 7919) % 60_000)}\n`)
      const ending = await client.ended
      expect(ending).toMatchObject({ kind: transport.reset, by: 'peer' })
    }
  })

  test('a half-closed client still gets its answer', async () => {
    const { client } = await dial(
      await serve(async (connection) => {
        const question = await connection.readToEnd()
        await connection.send(`${question.length}`)
      }),
    )
    await client.send('12345')
    client.halfClose()
    expect(String(await client.readToEnd())).toBe('5')
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'local' })
  })

  test('nobody there is refused', async () => {
    const server = await serve()
    await server.stop()
    await expect(connect(server, transport.client())).rejects.toMatchObject({
      code: 'ERR_NETGRACE_CONNECT',
      ending: { kind: 'refused', by: 'peer', phase: 'connecting' },
    })
  })

  test('an idle client ends by its own timeout', async () => {
    const { client } = await dial(await serve(), { idleTimeoutMs: 30 })
    expect(await client.ended).toMatchObject({ kind: 'timeout', by: 'local', phase: 'open' })
  })

  test('a peer that does not answer our FIN ends by the close timeout', async () => {
    const { client } = await dial(await serve(handlers.echo(), { closing: { how: 'never' } }), { closeTimeoutMs: 30 })
    expect(await client.close()).toMatchObject({ kind: 'timeout', by: 'local' })
  })

  test('requests sent just before stop() are answered, and every connection drains', async () => {
    const server = await serve()
    const clients = await Promise.all(Array.from({ length: 10 }, () => dial(server)))
    await Promise.all(clients.map(({ client }) => client.ask('warm')))
    const sent = clients.map(({ client }, n) => client.send(`request ${n}\n`))
    const [report] = await Promise.all([server.stop(), ...sent])
    expect(report).toMatchObject({ accepted: 10, endedBefore: 0, forced: [], errors: [], late: 0 })
    expect(report.drained).toHaveLength(10)
    expect(await Promise.all(clients.map(({ client }) => client.readLine()))).toEqual(clients.map((_, n) => `request ${n}`))
  })

  test('a peer that never closes is forced at the deadline', async () => {
    const server = await serve(() => {})
    const { client } = await dial(server, { allowHalfOpen: true })
    const report = await server.stop({ graceMs: 50 })
    expect(report.forced).toMatchObject([{ id: 1, ending: { kind: 'reset', by: 'local' } }])
    expect(report.durationMs).toBeGreaterThanOrEqual(50)
    if (transport.reset === 'reset') expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
  })

  test('a stopped server starts again on its address, and leaves nothing behind', async () => {
    const before = openSockets()
    const server = await serve()
    const { url } = server
    for (let n = 0; n < 5; n++) {
      const client = await connect(server, transport.client())
      expect(await client.ask('hello')).toBe('hello')
      await client.close()
      expect(await server.stop()).toMatchObject({ accepted: 1 })
      await server.start()
      expect(server.url).toBe(url)
    }
    await server.stop()
    expect(openSockets()).toBe(before)
  })

  describe('a server that closes by itself', () => {
    test('gracefully: after what had arrived is answered', async () => {
      const server = await serve(handlers.echo(), { closing: { how: 'graceful', afterMs: 50 } })
      const { client, connection } = await dial(server)
      expect(await client.ask('hello')).toBe('hello')
      const ending = await client.ended
      expect(ending).toMatchObject({ kind: 'eof', by: 'peer', certain: true })
      expect(await connection.ended).toMatchObject({ kind: 'eof', by: 'local' })
    })

    test('immediately: a reset, or what comes nearest to it', async () => {
      const server = await serve(handlers.echo(), { closing: { how: 'immediate', afterMs: 20 } })
      const { client, connection } = await dial(server)
      expect(await client.ended).toMatchObject({ kind: transport.reset, by: 'peer', certain: true })
      expect(await connection.ended).toMatchObject({ kind: 'reset', by: 'local' })
      expect(await server.stop()).toMatchObject({ errors: [] })
    })

    test('half: its FIN, and then it goes on reading', async () => {
      const read: string[] = []
      const server = await serve(
        async (connection) => {
          for (let line = await connection.readLine(); line !== undefined; line = await connection.readLine()) read.push(line)
        },
        { closing: { how: 'half' } },
      )
      const { client, connection } = await dial(server, { allowHalfOpen: true })
      expect(await client.readLine()).toBeUndefined()
      await client.send('still\nthere\n')
      client.halfClose()
      expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer' })
      expect(await connection.ended).toMatchObject({ kind: 'eof', by: 'local' })
      expect(read).toEqual(['still', 'there'])
    })

    test('half: a handler that answers can no longer, and has not failed', async () => {
      for (const handler of [handlers.echo(), async (connection: Connection) => connection.send((await connection.readLine()) ?? '')]) {
        const server = await serve(handler, { closing: { how: 'half' } })
        const { client } = await dial(server, { allowHalfOpen: true })
        await client.readToEnd()
        await client.send('too late\n')
        client.halfClose()
        expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer' })
        expect(await server.stop()).toMatchObject({ errors: [], forced: [] })
      }
    })

    test('never: the FIN of the peer is not answered until stop(), whatever the handler does', async () => {
      for (const handler of [handlers.echo(), () => {}, async () => {}]) {
        const server = await serve(handler, { closing: { how: 'never' } })
        const { client } = await dial(server)
        client.halfClose()
        await turns(20)
        expect(client.socket.readableEnded).toBe(false)
        expect(server.connections.size).toBe(1)
        const report = await server.stop()
        expect(report).toMatchObject({ drained: [{ id: 1 }], forced: [] })
        expect(await client.ended).toMatchObject({ kind: 'eof', by: 'local' })
      }
    })

    test.each(['graceful', 'half', 'immediate'] as const)('stop() overrides %s, which would be due while it drains', async (how) => {
      let due = false
      const server = await serve(
        async (connection, quit) => {
          await once(quit, 'abort')
          await until(() => due)
          await connection.send('the answer\n')
        },
        { closing: { how, afterMs: 100 } },
      )
      const { client } = await dial(server)
      const stopped = server.stop({ graceMs: 60_000 })
      await new Promise((resolve) => setTimeout(resolve, 150))
      due = true
      expect(await client.readLine()).toBe('the answer')
      expect(await stopped).toMatchObject({ drained: [{ handler: 'settled', ending: { kind: 'eof', by: 'local' } }], errors: [] })
      expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer' })
    })

    test('a graceful closing that has begun does not cut a handler that still works while the server drains', async () => {
      let answer = (): void => {}
      const server = await serve(
        async (connection) => {
          expect(await connection.readLine()).toBeUndefined()
          await new Promise<void>((resolve) => (answer = resolve))
          await connection.send('the answer\n')
        },
        { closing: { how: 'graceful' }, graceMs: 50 },
      )
      const { client } = await dial(server)
      const stopped = server.stop({ graceMs: 60_000 })
      await new Promise((resolve) => setTimeout(resolve, 100))
      answer()
      expect(await client.readLine()).toBe('the answer')
      expect(await stopped).toMatchObject({ drained: [{ handler: 'settled' }], errors: [] })
    })

    test('the timer of a closing is gone with its connection', async () => {
      const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
      const server = await serve(handlers.echo(), { closing: { how: 'immediate', afterMs: 60_000 } })
      const before = timers()
      const { client, connection } = await dial(server)
      expect(timers()).toBeGreaterThan(before)
      await client.close()
      await connection.ended
      await until(() => timers() <= before)
    })

    test('stop() overrides a closing that is still to come', async () => {
      const server = await serve(handlers.echo(), { closing: { how: 'immediate', afterMs: 60_000 } })
      const { client } = await dial(server)
      expect(await server.stop()).toMatchObject({ drained: [{ id: 1 }], forced: [] })
      expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer' })
    })
  })
})

describe('TLS alone', () => {
  async function serveTls(options: ServerOptions = {}): Promise<GracefulServer> {
    const server = await startServer(handlers.echo(), { tls: certificate(), ...options })
    onTestFinished(async () => void (await server.stop({ graceMs: 0 })))
    return server
  }

  test('a certificate that is not trusted is an error, with its cause', async () => {
    const server = await serveTls()
    await expect(connect(server, { tls: {} })).rejects.toMatchObject({
      ending: { kind: 'error', by: 'local', phase: 'connecting', cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } },
    })
    expect(await server.stop()).toMatchObject({ accepted: 0, errors: [] })
  })

  test('a handshake that never ends does not hang the stop: it is cut at the deadline', async () => {
    const server = await serveTls()
    const mute = dialBare(server)
    await once(mute, 'connect')
    await turns(5)
    const report = await server.stop({ graceMs: 50 })
    expect(report).toMatchObject({ accepted: 0, forced: [] })
    expect(report.durationMs).toBeLessThan(50 + 500)
    await closed(mute)
  })

  test('a handshake under way at stop() is let through, and then it is late', async () => {
    const server = await serveTls()
    const raw = dialBare(server)
    await once(raw, 'connect')
    await turns(5)
    const stopping = server.stop()
    const secure = tls.connect({ socket: raw, ca: certificate().cert, host: 'localhost' })
    const seen = new Promise((resolve) => {
      secure.on('error', (error: NodeJS.ErrnoException) => resolve(error.code)).on('end', () => resolve('end'))
    })
    secure.resume()
    expect(await seen).toBe('ECONNRESET') // on Node 20 and 22, too, where a reset right behind the handshake's last bytes reads as an end
    secure.destroy()
    expect(await stopping).toMatchObject({ accepted: 0, late: 1, errors: [] })
  })

  test('who speaks no TLS is dropped, and the server goes on', async () => {
    const server = await serveTls()
    const stranger = dialBare(server)
    stranger.write('GET / HTTP/1.0\r\n\r\n')
    await once(stranger.resume(), 'end')
    const client = await connect(server, { tls: { ca: certificate().cert } })
    expect(await client.ask('hello')).toBe('hello')
    await client.close()
  })

  test('wrong TLS options are told before anything listens', async () => {
    const before = openSockets()
    await expect(startServer(handlers.echo(), { tls: { key: 'no key' } })).rejects.toThrow()
    await expect(startServer(handlers.echo(), { tls: 'yes' as never })).rejects.toThrow(/tls must be an object, got "yes"/)
    expect(openSockets()).toBe(before)
  })
})

describe('unix sockets alone', () => {
  test('the file is there while the server listens, and gone after the stop', async () => {
    const path = freshPath()
    const server = await startServer(handlers.echo(), { path })
    expect(existsSync(path)).toBe(true)
    expect(server).toMatchObject({ url: `unix:${path}`, path })
    await server.stop()
    expect(existsSync(path)).toBe(false)
  })

  test('a file that is there already is a clear error', async () => {
    const path = freshPath()
    const other = net.createServer().listen(path)
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    await expect(startServer(handlers.echo(), { path })).rejects.toMatchObject({
      code: 'ERR_NETGRACE_LISTEN',
      message: expect.stringMatching(/a file is there already/) as string,
      cause: { code: 'EADDRINUSE' },
    })
  })

  test('both ends know the path', async () => {
    const path = freshPath()
    const server = await startServer(handlers.echo(), { path })
    const client = await connect({ path })
    expect(client).toMatchObject({ local: { path: '' }, peer: { path } })
    expect(await server.nextConnection()).toMatchObject({ local: { path }, peer: { path: '' } })
    await client.close()
    await server.stop()
  })

  test('path and host exclude each other', async () => {
    await expect(startServer(handlers.echo(), { path: freshPath(), host: '127.0.0.1' })).rejects.toThrow(
      /path must be given without host and port/,
    )
  })
})

test.each([
  [{ closing: { how: 'later' } }, /how must be one of graceful, immediate, half, never, got "later"/],
  [{ closing: { afterMs: 5 } }, /closing.how must be one of/],
  [{ closing: { how: 'half', afterMs: -1 } }, /afterMs must be a finite number ≥ 0.*got -1/],
  [{ closing: 'half' }, /closing must be an object, got "half"/],
])('a server refuses %o', async (options, message) => {
  await expect(startServer(handlers.echo(), options as never)).rejects.toThrow(message)
})

test.each([
  [{ keepAlive: { delayMs: 999 } }, /delayMs must be an integer ≥ 1000, got 999/],
  [{ keepAlive: {} }, /keepAlive.delayMs must be an integer ≥ 1000, got undefined/],
  [{ keepAlive: { delayMs: 1000, every: 1 } }, /keepAlive: a key must be one of delayMs, intervalMs, count, got "every"/],
])('a client refuses %o', async (options, message) => {
  await expect(connect('127.0.0.1:9', options as never)).rejects.toThrow(message)
})

test.runIf(net.Socket.prototype.setKeepAlive.length < 4)(
  'the interval and count of keepalive are refused where Node ignores them',
  async () => {
    await expect(connect('127.0.0.1:9', { keepAlive: { delayMs: 1000, count: 2 } })).rejects.toThrow(
      /keepAlive.count must be left out: Node .* ignores it/,
    )
  },
)
