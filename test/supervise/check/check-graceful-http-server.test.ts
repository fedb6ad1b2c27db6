import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type net from 'node:net'

import fastify from 'fastify'
import { createHttpTerminator } from 'http-terminator'
import stoppable from 'stoppable'
import { describe, expect, onTestFinished, test } from 'vitest'

import { NetgraceError } from '../../../src/model/errors.ts'
import { checkGracefulHttpServer } from '../../../src/server/supervise/check/check-graceful-http-server.ts'
import type { HttpServerToCheck } from '../../../src/server/supervise/check/check-options.ts'
import { superviseServer } from '../../../src/server/supervise/supervise-server.ts'
import { certificate } from '../../certificate.ts'
import { openSockets, until } from '../../support.ts'

/** `/` at once, `/slow` after so long. */
const SLOW_MS = 150

const listener: http.RequestListener = (request, response) => {
  if (request.url === '/slow') setTimeout(() => response.end('slow'), SLOW_MS)
  else response.end('at once')
}

/** Listens, and is gone when the test has ended, whatever its own stop did. */
async function listening<S extends http.Server>(server: S): Promise<S & { port: number }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return Object.assign(server, { port: (server.address() as net.AddressInfo).port })
}

async function bare(): Promise<HttpServerToCheck> {
  const server = await listening(http.createServer(listener))
  return { port: server.port, stop: () => new Promise((resolve) => void server.close(resolve)) }
}

async function onFastify(): Promise<HttpServerToCheck> {
  const app = fastify()
  app.get('/', () => 'at once')
  app.get('/slow', async () => {
    await new Promise((resolve) => setTimeout(resolve, SLOW_MS))
    return 'slow'
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { url: app.listeningOrigin, stop: () => app.close() }
}

async function terminated(): Promise<HttpServerToCheck> {
  const server = http.createServer((_request, response) => void setTimeout(() => response.end('slow'), SLOW_MS * 4))
  const terminator = createHttpTerminator({ server })
  const { port } = await listening(server)
  return { port, stop: () => terminator.terminate() }
}

async function stopped(): Promise<HttpServerToCheck> {
  const server = stoppable(http.createServer(listener))
  const { port } = await listening(server as http.Server)
  return { port, stop: () => new Promise((resolve) => void server.stop(resolve)) }
}

describe('a supervised server', () => {
  test.each(['/', '/slow'])('passes, at %s', async (path) => {
    const report = await checkGracefulHttpServer(() => superviseServer(http.createServer(listener), { idle: { lingerMs: 100 } }), { path })
    report.assertOk()
    expect(report).toMatchObject({ ok: true, stopped: true, lost: 0, resetWhileIdle: 0, closedWithoutHeader: 0, acceptedAfterStop: 0 })
    expect(report.requests).toBeGreaterThan(80)
    expect(report.summary).toMatch(/^20 keep-alive clients, \d+ requests: stopped in \d+ ms, nothing lost$/)
  })

  test('passes over TLS', async () => {
    const make = (): Promise<HttpServerToCheck> => superviseServer(https.createServer(certificate(), listener), { idle: { lingerMs: 100 } })
    const report = await checkGracefulHttpServer(make, { clients: 5, tls: { ca: certificate().cert } })
    report.assertOk()
  })
})

test('a bare server.close() fails: clients that go on asking keep it open', async () => {
  const report = await checkGracefulHttpServer(bare, { path: '/slow', withinMs: 600 })
  expect(report).toMatchObject({ ok: false, stopped: false })
  expect(report.tookMs).toBeGreaterThan(595)
  expect(() => report.assertOk()).toThrow(/not stopped after \d+ ms[\s\S]*stop\(\) had not settled after \d+ ms: close what is kept alive/)
})

test('Fastify’s close() lets what is under way finish, and hangs no longer than that', async () => {
  const report = await checkGracefulHttpServer(onFastify, { path: '/slow' })
  expect(report).toMatchObject({ stopped: true, lost: 0, closedWithoutHeader: 0, acceptedAfterStop: 0 })
})

test('http-terminator goes on accepting until the last answer is out', async () => {
  const report = await checkGracefulHttpServer(terminated, { path: '/slow' })
  expect(report).toMatchObject({ ok: false, stopped: true, lost: 0 })
  expect(report.acceptedAfterStop).toBeGreaterThan(0)
  expect(() => report.assertOk()).toThrow(/\d+ connections? accepted more than 100 ms after stop\(\): close the listener first/)
})

test('stoppable does not tell the clients by its last answers, and so meets their next requests', async () => {
  const report = await checkGracefulHttpServer(stopped, { path: '/slow' })
  expect(report).toMatchObject({ ok: false, stopped: true })
  expect(report.closedWithoutHeader).toBeGreaterThan(0)
  expect(report.resetWhileIdle).toBeGreaterThan(0)
  expect(() => report.assertOk()).toThrow(/did not say `Connection: close`/)
})

test('closing everything at once loses what is under way', async () => {
  const make = async (): Promise<HttpServerToCheck> => {
    const server = await listening(http.createServer(listener))
    const stop = (): Promise<unknown> => {
      server.closeAllConnections()
      return new Promise((resolve) => void server.close(resolve))
    }
    return { host: '127.0.0.1', port: server.port, stop }
  }
  const report = await checkGracefulHttpServer(make, { path: '/slow', clients: 10 })
  expect(report.lost).toBeGreaterThan(5)
  expect(() => report.assertOk()).toThrow(/\d+ requests sent before stop\(\) got no whole answer/)
  expect(() => report.assertOk()).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_NETGRACE_UNGRACEFUL$/) }))
})

test('an answer that is cut in two is lost', async () => {
  const make = async (): Promise<HttpServerToCheck> => {
    const server = await listening(
      http.createServer((_request, response) => {
        response.write('half')
        setTimeout(() => response.end('whole'), SLOW_MS)
      }),
    )
    const stop = (): Promise<unknown> => {
      server.closeAllConnections()
      return new Promise((resolve) => void server.close(resolve))
    }
    return { url: new URL(`http://127.0.0.1:${server.port}/`), stop }
  }
  expect((await checkGracefulHttpServer(make, { clients: 5 })).lost).toBe(5)
})

test('a stop that stops nothing is found out, although it settles', async () => {
  const make = async (): Promise<HttpServerToCheck> => ({ port: (await listening(http.createServer(listener))).port, stop: () => {} })
  const report = await checkGracefulHttpServer(make, { clients: 3 })
  expect(report).toMatchObject({ ok: false, stopped: true })
  expect(report.acceptedAfterStop).toBeGreaterThan(0)
})

test('a stop that fails is told, with what it threw', async () => {
  const stop = async (): Promise<void> => {
    throw new Error('no database')
  }
  const make = async (): Promise<HttpServerToCheck> => ({ port: (await listening(http.createServer(listener))).port, stop })
  const report = await checkGracefulHttpServer(make, { clients: 2 })
  expect(report).toMatchObject({ ok: false, stopped: false, stopError: { message: 'no database' } })
  expect(() => report.assertOk()).toThrow(/stop\(\) failed: no database/)
})

test('a server that does not even answer is not checked', async () => {
  const make = async (): Promise<HttpServerToCheck> => {
    const server = await listening(http.createServer((request) => void request.socket.destroy()))
    return { port: server.port, stop: () => {} }
  }
  await expect(checkGracefulHttpServer(make)).rejects.toThrow(NetgraceError)
  await expect(checkGracefulHttpServer(make)).rejects.toThrow(/^the server did not answer, although nobody had stopped it: /)
})

test('nothing of it is left', async () => {
  const before = openSockets()
  await checkGracefulHttpServer(() => superviseServer(http.createServer(listener)), { clients: 5 })
  await until(() => openSockets() === before)
})

test.each<[unknown, unknown, RegExp]>([
  [undefined, {}, /^make must be a function/],
  [() => ({}), {}, /^what make\(\) gives must be \{ url, stop\(\) \} or \{ host, port, stop\(\) \}, got \{\}$/],
  [() => ({ port: 0, stop() {} }), {}, /^what make\(\) gives.port must be an integer from 1/],
  [() => ({ url: 'nonsense', stop() {} }), {}, /^the url that make\(\) gives must be one of http: or https:, got "nonsense"$/],
  [() => ({}), { clients: 0 }, /^clients must be an integer ≥ 1, got 0$/],
  [() => ({}), { path: 'slow' }, /^path must be a path that begins with \/, got "slow"$/],
  [() => ({}), { withinMs: -1 }, /^withinMs must be/],
  [() => ({}), { acceptsForMs: '1s' }, /^acceptsForMs must be/],
  [() => ({}), { client: 3 }, /^options: a key must be one of clients, path, withinMs, acceptsForMs, tls, got "client"$/],
])('wrong input is refused (%#)', async (make, options, message) => {
  await expect(checkGracefulHttpServer(make as () => HttpServerToCheck, options as object)).rejects.toThrow(message)
})
