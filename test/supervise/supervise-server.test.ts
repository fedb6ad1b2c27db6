import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'

import { describe, expect, onTestFinished, test } from 'vitest'

import { NetgraceError } from '../../src/model/errors.ts'
import { superviseServer } from '../../src/server/supervise/supervise-server.ts'
import { certificate } from '../certificate.ts'
import { bareClient, bareServer, closed, openSockets } from '../support.ts'
import { Answers, get, listenersOf, supervise, used } from './support.ts'

function plain(): http.Server {
  return http.createServer((_request, response) => void response.end('hello'))
}

describe('listening', () => {
  test.each<[string, () => net.Server, RegExp]>([
    ['net', () => net.createServer(), /^tcp:\/\/127\.0\.0\.1:\d+$/],
    ['tls', () => tls.createServer(certificate()), /^tls:\/\/127\.0\.0\.1:\d+$/],
    ['http', plain, /^http:\/\/127\.0\.0\.1:\d+$/],
    ['https', () => https.createServer(certificate()), /^https:\/\/127\.0\.0\.1:\d+$/],
    ['h2c', () => http2.createServer(), /^http:\/\/127\.0\.0\.1:\d+$/],
    ['h2', () => http2.createSecureServer(certificate()), /^https:\/\/127\.0\.0\.1:\d+$/],
  ])('a %s server listens on a free port of loopback, and its url says what it speaks', async (_kind, make, url) => {
    const server = make()
    const supervised = await supervise(server)
    expect(supervised.url).toMatch(url)
    expect([supervised.host, supervised.port]).toStrictEqual(['127.0.0.1', (server.address() as net.AddressInfo).port])
    expect(supervised.state).toBe('listening')
    expect(await supervised.stop()).toMatchObject({ accepted: 0, late: 0, untracked: 0, forced: [] })
    expect(server.listening).toBe(false)
  })

  test('one that listens already is left where it is', async () => {
    const server = plain().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    expect((await supervise(server)).port).toBe(port)
  })

  test.each(['127.0.0.1', 'localhost'])('one that was told to listen on %s in the same breath is waited for', async (host) => {
    let listened = 0
    const server = plain().on('listening', () => listened++)
    server.listen(0, host)
    const supervised = await supervise(server)
    expect(listened).toBe(1)
    expect(supervised.port).toBe((server.address() as net.AddressInfo).port)
    expect((await get(supervised.url.replace('127.0.0.1', host))).text).toBe('hello')
  })

  test('on all addresses it is dialled on loopback', async () => {
    const supervised = await supervise(plain().listen(0, '0.0.0.0'))
    expect(supervised.url).toBe(`http://127.0.0.1:${supervised.port}`)
  })

  test('on a unix socket it has a path', async () => {
    const path = join(tmpdir(), `netgrace-supervise-${process.pid}.sock`)
    const supervised = await supervise(plain().listen(path))
    expect(supervised).toMatchObject({ host: '', port: 0, path, url: `unix:${path}` })
    const client = net.connect(path)
    await once(client, 'connect')
    client.resume()
    expect(await supervised.stop()).toMatchObject({ accepted: 1, drained: [{ use: 'unused', local: { path } }] })
    await closed(client)
  })

  test('a port that is taken is ERR_NETGRACE_LISTEN, and nothing of ours is left', async () => {
    const { port } = await bareServer()
    const server = plain()
    const before = listenersOf(server)
    server.listen(port, '127.0.0.1')
    const error = await superviseServer(server).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_NETGRACE_LISTEN', cause: { code: 'EADDRINUSE' } })
    expect(listenersOf(server)).toStrictEqual(before)
    await supervise(server) // and it may be tried again
  })

  test('a server that is closed before it listens is ERR_NETGRACE_STOPPED', async () => {
    const server = net.createServer().listen(0, '127.0.0.1')
    const supervising = superviseServer(server)
    server.close()
    await expect(supervising).rejects.toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_NETGRACE_STOPPED$/) }))
    expect(listenersOf(server)).toStrictEqual({})
  })
})

describe('connectionsReach', () => {
  test('resolves once so many connections are live', async () => {
    const supervised = await supervise(plain())
    const three = supervised.connectionsReach(3)
    await Promise.all([bareClient(supervised), bareClient(supervised), bareClient(supervised)])
    expect((await three).map(({ id, use }) => [id, use])).toStrictEqual([1, 2, 3].map((id) => [id, 'unused']))
    expect((await supervised.connectionsReach(1)).length).toBe(3)
  })

  test('says how many came, and that the server was told to stop', async () => {
    const supervised = await supervise(plain())
    await bareClient(supervised)
    await expect(supervised.connectionsReach(2, { withinMs: 50 })).rejects.toThrow(
      expect.objectContaining({ message: expect.stringContaining('1') }),
    )
    const waiting = supervised.connectionsReach(2)
    void supervised.stop()
    await expect(waiting).rejects.toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_NETGRACE_STOPPED$/) }))
  })
})

describe('what is refused, before anything is opened', () => {
  test.each<[string, unknown, unknown, RegExp]>([
    ['no server', {}, {}, /^server must be a server of node:net.*got \{\}$/],
    ['nothing', undefined, {}, /^server must be a server/],
    ['a socket', new net.Socket(), {}, /^server must be a server/],
    ['an unknown option', net.createServer(), { grace: 5 }, /^options: a key must be one of graceMs, idle, signal, got "grace"$/],
    ['a negative grace', net.createServer(), { graceMs: -1 }, /^graceMs must be a finite number ≥ 0.*got -1$/],
    ['an unknown option of idle', net.createServer(), { idle: { linger: 5 } }, /^idle: a key must be one of lingerMs, got "linger"$/],
    ['an infinite linger', net.createServer(), { idle: { lingerMs: Infinity } }, /^lingerMs must be/],
    ['a signal that is none', net.createServer(), { signal: {} }, /^signal must be an AbortSignal/],
  ])('%s', async (_what, server, options, message) => {
    const before = openSockets()
    await expect(superviseServer(server as net.Server, options as object)).rejects.toThrow(message)
    expect(openSockets()).toBe(before)
  })

  test('a signal that has aborted already', async () => {
    const server = plain()
    const supervising = superviseServer(server, { signal: AbortSignal.abort() })
    await expect(supervising).rejects.toThrow(NetgraceError)
    expect(server.listening).toBe(false)
  })

  test('a server that is supervised already, until it has been stopped', async () => {
    const server = plain()
    const first = await supervise(server)
    await expect(superviseServer(server)).rejects.toThrow(/^server must be a server that is not supervised already/)
    await first.stop()
    const again = await supervise(server)
    expect((await get(again.url)).text).toBe('hello')
    expect(await again.stop()).toMatchObject({ accepted: 1 })
  })

  test('a wrong option of stop()', async () => {
    const supervised = await supervise(plain())
    await expect(supervised.stop({ graceMs: Number.NaN })).rejects.toThrow(RangeError)
    expect(supervised.state).toBe('listening')
  })
})

describe('stop', () => {
  test('leaves nothing of ours on the server, and what others put on where it was', async () => {
    const server = https.createServer(certificate(), (_request, response) => void response.end())
    server.on('connection', () => {})
    server.once('connection', () => {})
    server.on('upgrade', () => {})
    const before = listenersOf(server)
    const supervised = await supervise(server)
    expect(listenersOf(server)).not.toStrictEqual(before)
    await supervised.stop()
    expect(listenersOf(server)).toStrictEqual(before)
    expect(Object.hasOwn(server, 'closeIdleConnections')).toBe(false)
  })

  test('a second one gives the first one’s promise, and can bring the deadline forward', async () => {
    const answers = new Answers()
    const supervised = await supervise(http.createServer(answers.listener), { graceMs: 60_000 })
    const lost = get(`${supervised.url}/never`).catch((error: NodeJS.ErrnoException) => error.code)
    await answers.asked()
    const first = supervised.stop()
    expect(supervised.stop({ graceMs: 0 })).toBe(first)
    expect(await first).toMatchObject({ accepted: 1, drained: [], forced: [{ use: 'busy', request: 'GET /never' }] })
    expect(await lost).toBe('ECONNRESET')
  })

  test('is told by state, quit and the end of the signal at once', async () => {
    const abort = new AbortController()
    const supervised = await supervise(plain(), { signal: abort.signal })
    let heard = 0
    supervised.quit.addEventListener('abort', () => heard++)
    abort.abort()
    expect([supervised.state, supervised.quit.aborted, heard]).toStrictEqual(['quitting', true, 1])
    await supervised.stop()
    expect(supervised.state).toBe('stopped')
    expect(supervised.connections.size).toBe(0)
  })

  test('comes with `await using`', async () => {
    const server = plain()
    {
      await using supervised = await superviseServer(server)
      expect(supervised.state).toBe('listening')
    }
    expect(server.listening).toBe(false)
  })

  test.each(['before', 'during'])('resolves for a server that its user closes %s it', async (when) => {
    const server = plain()
    let closes = 0
    server.on('close', () => closes++)
    const supervised = await supervise(server)
    const client = await bareClient(supervised)
    client.resume().on('end', () => client.end())
    await used(supervised, 'unused')
    if (when === 'before') {
      server.close()
      expect(supervised.state).toBe('stopped')
      expect(await supervised.stop()).toMatchObject({ accepted: 1, forced: [] })
    } else {
      const stopped = supervised.stop()
      server.close()
      expect(await stopped).toMatchObject({ accepted: 1, forced: [] })
    }
    await closed(client)
    expect(closes).toBe(1)
  })

  test('the counts of a server that nobody came to are all zeroes', async () => {
    const supervised = await supervise(plain())
    expect(await supervised.stop()).toStrictEqual({
      accepted: 0,
      endedBefore: 0,
      drained: [],
      forced: [],
      cutOff: [],
      handshakes: { pending: 0, failed: 0 },
      unsettled: [],
      late: 0,
      untracked: 0,
      errors: [],
      durationMs: expect.any(Number),
      phases: { quitMs: expect.any(Number), drainMs: expect.any(Number), forceMs: expect.any(Number) },
    })
  })

  test('works with a handle that its user has taken off the process', async () => {
    const server = plain()
    const supervised = await supervise(server)
    server.unref()
    onTestFinished(() => void server.ref())
    expect(await supervised.stop()).toMatchObject({ accepted: 0 })
  })
})
