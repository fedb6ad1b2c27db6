/** What an HTTP/1 connection is owed when its server stops: the answers to all that was asked, read by its client to the end. */
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'

import { describe, expect, onTestFinished, test } from 'vitest'

import { PARTING_MS } from '../../src/server/supervise/visit.ts'
import type { SupervisedServer } from '../../src/server/supervise/supervised-server.ts'
import { certificate } from '../certificate.ts'
import { bareClient, closed, eventsOf, textOf, turns, until } from '../support.ts'
import { Answers, get, GET_NOW, idleClient, keepAliveClient, supervise, used, usesOf } from './support.ts'

const SERVERS: [string, (listener: http.RequestListener) => net.Server][] = [
  ['http', (listener) => http.createServer(listener)],
  ['https', (listener) => https.createServer(certificate(), listener)],
]

async function clientOf(to: SupervisedServer): Promise<net.Socket> {
  if (to.url.startsWith('http:')) return bareClient(to)
  const socket = tls.connect({ port: to.port, host: to.host, ca: certificate().cert })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

/** Sends a request with a body of so many bytes, however long its answer is out already; resolves once all of it is written, or it cannot be. */
function upload(client: net.Socket, bytes: number): Promise<void> {
  client.write(`POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: ${bytes}\r\n\r\n`)
  return new Promise((resolve) => {
    let left = bytes
    const more = (): void => {
      while (left > 0) {
        const size = Math.min(left, 65_536)
        left -= size
        if (!client.write(Buffer.alloc(size))) return void client.once('drain', more)
      }
      resolve()
    }
    client.on('close', () => resolve())
    more()
  })
}

describe.each(SERVERS)('%s: an early answer to an upload', (_name, make) => {
  const HANDLERS: [string, (request: http.IncomingMessage) => void][] = [
    ['does not read it', () => {}],
    ['reads it', (request) => void request.resume()],
    ['has paused it', (request) => void request.on('data', () => request.pause())],
  ]

  describe.each(HANDLERS)('whose handler %s', (_how, handle) => {
    test.each(['before', 'after'])('is received whole by a client that goes on sending, begun %s quit', async (when) => {
      const answers: http.ServerResponse[] = []
      const server = make((request, response) => {
        handle(request)
        answers.push(response)
      })
      const supervised = await supervise(server, { graceMs: 60_000 })
      const client = await clientOf(supervised)
      const text = textOf(client)
      const sent = upload(client, 4_000_000)
      await until(() => answers.length === 1)
      const [answer] = answers
      const headers = { 'content-length': 200_000, connection: 'close' }
      if (when === 'before') answer!.writeHead(413, headers).flushHeaders()
      const stopped = supervised.stop()
      await until(() => supervised.state === 'draining')
      await turns(2)
      if (when === 'after') answer!.writeHead(413, headers)
      answer!.end('x'.repeat(200_000))
      expect((await text).replace(/^[^]*\r\n\r\n/, '').length).toBe(200_000)
      await sent
      client.end()
      expect(await stopped).toMatchObject({ drained: [{ use: 'busy', ending: { kind: 'eof', by: 'local' } }], forced: [] })
    })
  })
})

test('an upload that goes on for ever behind its early answer is reset at the deadline', async () => {
  const answers = new Answers()
  const supervised = await supervise(http.createServer(answers.listener), { graceMs: 80 })
  const client = await bareClient(supervised)
  client.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n123')
  await answers.asked()
  const stopped = supervised.stop()
  answers.give()
  expect(await textOf(client)).toMatch(/given$/)
  expect(await stopped).toMatchObject({ drained: [], forced: [{ use: 'busy' }] })
})

describe('half a request header behind a request is no idle connection', () => {
  const FIRST = {
    'a GET': 'GET /now HTTP/1.1\r\nhost: a\r\n\r\n',
    'a POST': 'POST /now HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello',
    'a chunked POST': 'POST /now HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  }
  const HALF = 'POST /now HTTP/1.1\r\nhost: a\r\ncontent-le'

  const cases = Object.entries(FIRST).flatMap(([name, first]): [string, string[]][] => [
    [name, [first, HALF]],
    [`${name}, in one packet with it`, [first + HALF]],
  ])

  test.each(cases)('%s', async (_name, packets) => {
    const answers = new Answers()
    const supervised = await supervise(http.createServer(answers.listener), { graceMs: 60_000 })
    const client = await bareClient(supervised)
    const text = textOf(client)
    for (const packet of packets) {
      client.write(packet)
      await until(() => answers.served.length === 1)
      await turns(10)
    }
    expect(usesOf(supervised)).toStrictEqual(['busy'])
    const stopped = supervised.stop()
    await until(() => supervised.state === 'draining')
    await turns(2)
    client.write('ngth: 2\r\n\r\nhi')
    expect((await text).match(/HTTP\/1\.1 200|connection: \S+/gi)).toStrictEqual([
      'HTTP/1.1 200',
      'Connection: keep-alive',
      'HTTP/1.1 200',
      'connection: close',
    ])
    client.end()
    expect(await stopped).toMatchObject({ drained: [{ use: 'busy' }], forced: [] })
  })
})

test('a request with a body that has all come leaves its connection idle, and empty lines behind it do not change that', async () => {
  const supervised = await supervise(http.createServer(new Answers().listener), { graceMs: 60_000 })
  const client = await bareClient(supervised)
  client.write('POST /now HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello\r\n')
  await once(client, 'data')
  await used(supervised, 'idle')
  client.resume().on('end', () => client.end())
  expect(await supervised.stop()).toMatchObject({ drained: [{ use: 'idle' }], forced: [] })
})

describe('pipelined requests that had come before quit', () => {
  const three = [1, 2, 3].map((n) => `GET /${n} HTTP/1.1\r\nhost: a\r\n\r\n`).join('')

  test.each(['at once', 'a turn later'])('in the packet in whose first handler the stop is called are answered %s', async (when) => {
    let stopped: Promise<unknown> | undefined
    const listener: http.RequestListener = (request, response) => {
      stopped ??= supervised.stop()
      if (when === 'at once') response.end(`answer ${request.url}`)
      else setImmediate(() => response.end(`answer ${request.url}`))
    }
    const supervised = await supervise(http.createServer(listener), { graceMs: 60_000 })
    const client = await bareClient(supervised)
    client.write(three)
    expect((await textOf(client)).match(/answer \S\d/g)).toStrictEqual(['answer /1', 'answer /2', 'answer /3'])
    client.end()
    expect(await stopped).toMatchObject({ accepted: 1, forced: [] })
  })

  test('are all answered, and all that is finished arrives, where they are more than Node reads at a time', async () => {
    const body = 'A'.repeat(16_384)
    let finished = 0
    const server = http.createServer((_request, response) => void response.on('finish', () => finished++).end(body))
    const supervised = await supervise(server, { graceMs: 60_000 })
    const client = await bareClient(supervised)
    let bytes = 0
    client.on('data', (data: Buffer) => (bytes += data.length))
    client.write(`GET / HTTP/1.1\r\nhost: example.com\r\nx-long: ${'x'.repeat(1000)}\r\n\r\n`.repeat(200))
    client.on('end', () => client.end())
    await until(() => finished > 5)
    const stopped = supervised.stop()
    await closed(client)
    expect(await stopped).toMatchObject({ accepted: 1, forced: [] })
    expect(finished).toBe(200)
    expect(bytes / 200).toBeGreaterThan(body.length + 100)
  })

  test('that one comes behind the answer that was to be the last, and had not begun, moves the announcement on', async () => {
    const answers = new Answers()
    const supervised = await supervise(http.createServer(answers.listener), { graceMs: 60_000 })
    const client = await bareClient(supervised)
    client.write('GET /1 HTTP/1.1\r\nhost: a\r\n\r\n')
    await answers.asked()
    const stopped = supervised.stop()
    await until(() => supervised.state === 'draining')
    await turns(2)
    expect(answers.waiting[0]!.getHeader('connection')).toBe('close')
    client.write('GET /2 HTTP/1.1\r\nhost: a\r\n\r\n')
    await answers.asked(2)
    answers.give()
    expect((await textOf(client)).match(/given|connection: \S+/gi)).toStrictEqual([
      'connection: keep-alive',
      'given',
      'connection: close',
      'given',
    ])
    client.end()
    expect(await stopped).toMatchObject({ forced: [] })
  })
})

test('a single answer of a handler that calls the stop itself says that the connection closes', async () => {
  const supervised = await supervise(
    http.createServer((_request, response) => {
      void supervised.stop()
      response.end('bye')
    }),
  )
  expect(await get(supervised.url)).toMatchObject({ text: 'bye', headers: { connection: 'close' } })
})

describe('a keep-alive answer that had begun before quit', () => {
  async function streaming(): Promise<{ answers: Answers; supervised: SupervisedServer; agent: http.Agent; first: Promise<unknown> }> {
    const answers = new Answers()
    const supervised = await supervise(http.createServer(answers.listener), { graceMs: 60_000 })
    const agent = keepAliveClient()
    const first = get(`${supervised.url}/stream`, agent)
    await answers.asked()
    answers.waiting[0]!.write('begun, ')
    return { answers, supervised, agent, first }
  }

  test('invites the next request: that is answered, and closes', async () => {
    const { answers, supervised, agent, first } = await streaming()
    const stopped = supervised.stop()
    await until(() => supervised.state === 'draining')
    await turns(2)
    answers.give()
    expect(await first).toMatchObject({ text: 'begun, given', headers: { connection: 'keep-alive' } })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await get(`${supervised.url}/now`, agent)).toMatchObject({ text: 'now', headers: { connection: 'close' } })
    expect(await stopped).toMatchObject({ accepted: 1, drained: [{ use: 'busy', ending: { kind: 'eof', by: 'local' } }], forced: [] })
  })

  test('is not waited behind for long', async () => {
    const { answers, supervised, first } = await streaming()
    const stopped = supervised.stop()
    answers.give()
    await first
    expect(await stopped).toMatchObject({ drained: [{ use: 'busy', ending: { kind: 'eof', by: 'local' } }], forced: [] })
  })
})

describe('a peer that does not answer the FIN', () => {
  test('of an idle connection has a while to do so, and is then left, not cut', async () => {
    const supervised = await supervise(http.createServer(new Answers().listener), { graceMs: 60_000 })
    const client = await idleClient(supervised)
    const before = performance.now()
    expect(await supervised.stop()).toMatchObject({ drained: [{ use: 'idle', ending: { kind: 'closed', by: 'local' } }], forced: [] })
    expect(performance.now() - before).toBeGreaterThan(PARTING_MS - 5)
    client.end()
  })

  test('is left at the deadline, if that comes first', async () => {
    const supervised = await supervise(http.createServer(new Answers().listener), { graceMs: 40 })
    const client = await idleClient(supervised)
    const seen = eventsOf(client)
    expect(await supervised.stop()).toMatchObject({ drained: [{ ending: { kind: 'closed', by: 'local' } }], forced: [] })
    client.end()
    expect(await seen).toStrictEqual(['end', 'close'])
  })

  test('and sends on has it read, and not handled', async () => {
    const answers = new Answers()
    const supervised = await supervise(http.createServer(answers.listener), { graceMs: 60_000 })
    const client = await idleClient(supervised)
    const stopped = supervised.stop()
    await once(client.resume(), 'end')
    const sending = setInterval(() => client.write(GET_NOW), 20)
    await new Promise((resolve) => setTimeout(resolve, PARTING_MS * 2))
    expect(supervised.state).toBe('draining')
    clearInterval(sending)
    client.end()
    const report = await stopped
    expect(report).toMatchObject({ drained: [{ ending: { kind: 'eof', by: 'local' } }], forced: [] })
    expect(report.drained[0]!.bytesRead).toBeGreaterThan(GET_NOW.length * 3)
    expect(answers.served).toStrictEqual(['GET /now'])
  })
})

test('a slow reader gets all of an answer that the kernel has taken', async () => {
  const size = 20_000_000
  const supervised = await supervise(
    http.createServer((_request, response) => void response.end('x'.repeat(size))),
    { graceMs: 60_000 },
  )
  const client = await bareClient(supervised)
  client.pause()
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await used(supervised, 'busy')
  const stopped = supervised.stop()
  let bytes = 0
  client.on('data', (data: Buffer) => {
    bytes += data.length
    client.pause()
    setTimeout(() => client.resume(), 1)
  })
  client.resume()
  await once(client, 'end')
  client.end()
  expect(bytes).toBeGreaterThan(size)
  expect(await stopped).toMatchObject({ forced: [] })
})

test('a connection that was accepted just before quit may still ask', async () => {
  const answers = new Answers()
  const supervised = await supervise(http.createServer(answers.listener), { graceMs: 60_000 })
  const client = await bareClient(supervised)
  await used(supervised, 'unused')
  const stopped = supervised.stop()
  await until(() => supervised.state === 'draining')
  await turns(3)
  client.write(GET_NOW)
  expect(await textOf(client)).toMatch(/connection: close[\s\S]*now$/i)
  client.end()
  expect(await stopped).toMatchObject({ drained: [{ use: 'unused' }], forced: [] })
})

test('the report says what a connection was there for at quit, whatever it came to be', async () => {
  const answers = new Answers()
  const supervised = await supervise(http.createServer(answers.listener), { graceMs: 300, idle: { lingerMs: 60_000 } })
  const client = await idleClient(supervised)
  const stopped = supervised.stop()
  await until(() => supervised.state === 'draining')
  await turns(2)
  client.write('GET /hangs HTTP/1.1\r\nhost: a\r\n\r\n')
  await answers.asked()
  expect(usesOf(supervised)).toStrictEqual(['busy'])
  expect(await stopped).toMatchObject({ forced: [{ use: 'idle', request: 'GET /hangs' }] })
  await closed(client)
})

test('stopped and started again, no client finds a connection that is gone already', async () => {
  const server = http.createServer((_request, response) => void response.end('x'))
  const failed: unknown[] = []
  let port = 0
  for (let round = 0; round < 50; round++) {
    server.listen(port, '127.0.0.1')
    const supervised = await supervise(server)
    port = supervised.port
    await fetch(supervised.url, { method: 'POST', body: 'x' })
      .then((response) => response.text())
      .catch((error: unknown) => failed.push(error))
    await supervised.stop()
  }
  expect(failed).toStrictEqual([])
})
