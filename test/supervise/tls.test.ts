import { once } from 'node:events'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import { Duplex } from 'node:stream'
import tls from 'node:tls'

import { describe, expect, onTestFinished, test } from 'vitest'

import { SETTLE_MS } from '../../src/lifetime/stop.ts'
import type { SupervisedServer } from '../../src/server/supervise/supervised-server.ts'
import { certificate } from '../certificate.ts'
import { bareClient, closed, textOf, turns, until } from '../support.ts'
import { Answers, GET_NOW, supervise, used } from './support.ts'

interface Halted {
  readonly socket: tls.TLSSocket
  /** Lets the handshake go on. */
  proceed(): void
  /** A TLS socket over a stream does not answer a FIN by itself. */
  hangUp(): void
}

/** A client whose handshake halts before the server's answer is read: the server has begun it, and waits. */
async function halfShaken(to: SupervisedServer, options: tls.ConnectionOptions = {}): Promise<Halted> {
  const raw = await bareClient(to)
  const arrived: Buffer[] = []
  let open = false
  const between = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      raw.write(chunk, done)
    },
    final(done) {
      raw.end(done)
    },
  })
  raw.on('data', (chunk: Buffer) => (open ? between.push(chunk) : arrived.push(chunk)))
  raw.on('end', () => between.push(null))
  const socket = tls.connect({ socket: between, ca: certificate().cert, servername: 'localhost', ...options })
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await until(() => arrived.length > 0)
  return {
    socket,
    hangUp: () => void raw.end(),
    proceed() {
      open = true
      for (const chunk of arrived) between.push(chunk)
    },
  }
}

describe('a handshake under way at quit', () => {
  test('is not lost: it may still ask, and is answered', async () => {
    const supervised = await supervise(https.createServer(certificate(), new Answers().listener), { graceMs: 60_000 })
    const client = await halfShaken(supervised)
    await used(supervised, 'handshake')
    const stopped = supervised.stop()
    await until(() => supervised.state === 'draining')
    await turns(3)
    const shaken = once(client.socket, 'secureConnect')
    client.proceed()
    await shaken
    client.socket.write(GET_NOW)
    expect(await textOf(client.socket)).toMatch(/connection: close[\s\S]*now$/i)
    expect(await stopped).toMatchObject({ accepted: 1, drained: [{ use: 'handshake' }], forced: [] })
  })

  test('that then asks nothing does not hang the stop', async () => {
    const supervised = await supervise(https.createServer(certificate()), { graceMs: 60_000 })
    const client = await halfShaken(supervised)
    const stopped = supervised.stop()
    client.proceed()
    client.socket.resume()
    expect(await stopped).toMatchObject({ drained: [{ use: 'handshake' }], forced: [] })
  })

  test('of HTTP/2 gets its GOAWAY, and its request is served', async () => {
    const server = http2.createSecureServer(certificate(), (_request, response) => void response.end('served'))
    const supervised = await supervise(server, { graceMs: 60_000 })
    const client = await halfShaken(supervised, { ALPNProtocols: ['h2'] })
    const stopped = supervised.stop()
    await until(() => supervised.state === 'draining')
    const session = http2.connect(supervised.url, { createConnection: () => client.socket })
    onTestFinished(() => session.destroy())
    let goaways = 0
    session.on('goaway', () => goaways++).on('error', () => {})
    const stream = session.request({ ':path': '/' })
    client.proceed()
    expect(await textOf(stream as unknown as net.Socket)).toBe('served')
    expect(await stopped).toMatchObject({ drained: [{ use: 'handshake' }], forced: [] })
    expect(goaways).toBeGreaterThan(0)
  })

  test('of a server that speaks no HTTP gets its goodbye as soon as it is done', async () => {
    const supervised = await supervise(tls.createServer(certificate()), { graceMs: 60_000 })
    const client = await halfShaken(supervised)
    const stopped = supervised.stop()
    await until(() => supervised.state === 'draining')
    const ended = once(client.socket.resume(), 'end')
    client.proceed()
    await ended
    client.hangUp()
    const report = await stopped
    expect(report).toMatchObject({ accepted: 1, drained: [{ use: 'handshake' }], forced: [] })
    expect(report.phases.drainMs).toBeLessThan(SETTLE_MS) // which is how long others may still ask
  })

  test('that never ends is reset at the deadline', async () => {
    const supervised = await supervise(https.createServer(certificate()), { graceMs: 40 })
    const client = await bareClient(supervised)
    client.resume()
    await used(supervised, 'handshake')
    expect(await supervised.stop()).toMatchObject({
      accepted: 1,
      drained: [],
      forced: [{ use: 'handshake', bytesRead: 0 }],
      handshakes: { pending: 1, failed: 0 },
    })
    await closed(client)
  })

  test('that fails is over before, and counted', async () => {
    const supervised = await supervise(https.createServer(certificate()))
    const client = await bareClient(supervised)
    client.end('this is no TLS\r\n')
    client.resume()
    await closed(client)
    await until(() => supervised.connections.size === 0)
    expect(await supervised.stop()).toMatchObject({
      accepted: 1,
      endedBefore: 1,
      drained: [],
      forced: [],
      handshakes: { pending: 0, failed: 1 },
    })
  })
})

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a client that leaves in the middle of its handshake (%s)', (maxVersion) => {
  test.each(['before quit', 'while the server drains'])('%s does not hold the stop', async (when) => {
    const supervised = await supervise(https.createServer({ ...certificate(), maxVersion }), { graceMs: 60_000 })
    const client = await halfShaken(supervised)
    await used(supervised, 'handshake')
    let stopped: Promise<unknown> | undefined
    if (when !== 'before quit') {
      stopped = supervised.stop()
      await until(() => supervised.state === 'draining')
    }
    client.hangUp()
    expect(await (stopped ?? supervised.stop())).toMatchObject({ accepted: 1, forced: [], handshakes: { pending: 0, failed: 1 } })
  })

  test('because it refuses the certificate does not hold the stop', async () => {
    const supervised = await supervise(tls.createServer({ ...certificate(), maxVersion }), { graceMs: 60_000 })
    const client = tls.connect({ port: supervised.port, host: supervised.host, maxVersion })
    await new Promise((resolve) => void client.on('error', resolve))
    expect(await supervised.stop()).toMatchObject({ accepted: 1, forced: [] })
  })
})

test('a TLS server that speaks something else: each connection gets its goodbye, and nothing is forced', async () => {
  const server = tls.createServer(certificate(), (socket) => {
    socket.on('error', () => {})
    socket.on('data', (data) => socket.write(data))
  })
  const supervised = await supervise(server, { graceMs: 60_000 })
  const client = tls.connect({ port: supervised.port, host: supervised.host, ca: certificate().cert })
  onTestFinished(() => void client.destroy())
  await once(client, 'secureConnect')
  client.write('hello')
  await once(client, 'data')
  const ended = once(client.resume(), 'end')
  expect(await supervised.stop()).toMatchObject({ accepted: 1, drained: [{ use: 'open', ending: { kind: 'eof', by: 'local' } }] })
  await ended
})

test('a TLS connection that stays is reset at the deadline, by its TCP socket', async () => {
  const server = tls.createServer({ ...certificate(), allowHalfOpen: true })
  const supervised = await supervise(server, { graceMs: 40 })
  const raw = net.connect(supervised.port, supervised.host)
  const client = tls.connect({ socket: raw, ca: certificate().cert, servername: 'localhost' })
  const codes: (string | undefined)[] = []
  client.on('error', (error: NodeJS.ErrnoException) => codes.push(error.code))
  await once(client, 'secureConnect')
  await used(supervised, 'open')
  client.pause()
  client.allowHalfOpen = true
  expect(await supervised.stop()).toMatchObject({ drained: [], forced: [{ ending: { kind: 'reset', by: 'local' } }] })
  client.destroy() // having seen `end`, and half open, it hears of no reset
})
