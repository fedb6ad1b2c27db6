import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type net from 'node:net'

import { describe, expect, test } from 'vitest'

import { certificate } from '../certificate.ts'
import { bareClient, closed, connectBehindTheBack, eventsOf, textOf, turns, until } from '../support.ts'
import { Answers, get, GET_NOW, idleClient, keepAliveClient, supervise, used, usesOf } from './support.ts'

const SERVERS: [string, (listener: http.RequestListener) => net.Server][] = [
  ['http', (listener) => http.createServer(listener)],
  ['https', (listener) => https.createServer(certificate(), listener)],
]

describe.each(SERVERS)('%s', (_name, make) => {
  test('a request that was under way is answered, and its answer says that the connection closes', async () => {
    const answers = new Answers()
    const supervised = await supervise(make(answers.listener))
    const answer = get(`${supervised.url}/slow`)
    await answers.asked()
    const stopped = supervised.stop()
    await until(() => supervised.state === 'draining')
    await turns(2)
    answers.give()
    expect(await answer).toMatchObject({ status: 200, text: 'given', headers: { connection: 'close' } })
    expect(await stopped).toMatchObject({ accepted: 1, drained: [{ use: 'busy', request: undefined }], forced: [] })
  })

  test('an idle keep-alive connection closes at quit, and its client hears of no error', async () => {
    const answers = new Answers()
    const supervised = await supervise(make(answers.listener), { graceMs: 60_000 })
    const agent = supervised.url.startsWith('https:') ? new https.Agent({ keepAlive: true }) : keepAliveClient()
    const first = await get(`${supervised.url}/now`, agent)
    expect(first.headers.connection).toBe('keep-alive')
    const seen = eventsOf(first.socket)
    await used(supervised, 'idle')
    expect(await supervised.stop()).toMatchObject({ accepted: 1, drained: [{ use: 'idle' }], forced: [] })
    expect(await seen).not.toContain('ECONNRESET')
    agent.destroy()
  })

  test('a request that never ends is reset at the deadline, and named', async () => {
    const answers = new Answers()
    const supervised = await supervise(make(answers.listener), { graceMs: 50 })
    const answer = get(`${supervised.url}/hangs`).catch((error: NodeJS.ErrnoException) => error.code)
    await answers.asked()
    const before = performance.now()
    const report = await supervised.stop()
    expect(performance.now() - before).toBeGreaterThan(45)
    expect(report).toMatchObject({
      accepted: 1,
      drained: [],
      forced: [{ use: 'busy', request: 'GET /hangs', ending: { kind: 'reset', by: 'local' } }],
    })
    expect(await answer).toBe('ECONNRESET')
  })

  test('with a grace of 0 it is cut in the same breath', async () => {
    const answers = new Answers()
    const supervised = await supervise(make(answers.listener))
    const answer = get(`${supervised.url}/hangs`).catch((error: NodeJS.ErrnoException) => error.code)
    await answers.asked()
    expect(await supervised.stop({ graceMs: 0 })).toMatchObject({ forced: [{ request: 'GET /hangs' }] })
    expect(await answer).toBe('ECONNRESET')
  })
})

test('an idle keep-alive connection sees a clean end', async () => {
  const supervised = await supervise(http.createServer(new Answers().listener), { graceMs: 60_000 })
  const client = await idleClient(supervised)
  const seen = eventsOf(client.on('end', () => client.end()))
  expect(await supervised.stop()).toMatchObject({ drained: [{ use: 'idle', ending: { kind: 'eof', by: 'local' } }] })
  expect(await seen).toStrictEqual(['end', 'close'])
})

test('a connection that never sent a byte does not hang the stop', async () => {
  const supervised = await supervise(http.createServer(), { graceMs: 60_000 })
  const client = await bareClient(supervised)
  const seen = eventsOf(client)
  await used(supervised, 'unused')
  expect(await supervised.stop()).toMatchObject({ drained: [{ use: 'unused', bytesRead: 0 }], forced: [] })
  client.end()
  expect(await seen).toStrictEqual(['end', 'close'])
})

test('100 requests that were sent before quit are answered, on new and on kept connections', async () => {
  const answers = new Answers()
  const supervised = await supervise(http.createServer(answers.listener))
  const kept = await Promise.all(Array.from({ length: 50 }, () => idleClient(supervised)))
  const fresh = await Promise.all(Array.from({ length: 50 }, () => bareClient(supervised)))
  await until(() => supervised.connections.size === 100)
  const texts = [...kept, ...fresh].map((client) => {
    client.write(GET_NOW)
    return textOf(client)
  })
  await turns(1) // they are in the kernel, and some of them not yet with Node
  const stopped = supervised.stop()
  for (const text of await Promise.all(texts)) expect(text).toMatch(/^HTTP\/1\.1 200 [\s\S]*now/)
  for (const client of [...kept, ...fresh]) client.end()
  expect(await stopped).toMatchObject({ accepted: 100, forced: [], late: 0 })
  expect(answers.served.length).toBe(150)
})

test('half a request header counts as busy: the rest may come, and is answered', async () => {
  const answers = new Answers()
  const supervised = await supervise(http.createServer(answers.listener))
  const client = await bareClient(supervised)
  client.write('GET /now HTTP/1.1\r\nho')
  await used(supervised, 'busy')
  const stopped = supervised.stop()
  await until(() => supervised.state === 'draining')
  await turns(2)
  client.write('st: test\r\n\r\n')
  expect(await textOf(client)).toMatch(/connection: close[\s\S]*now$/i)
  client.end()
  expect(await stopped).toMatchObject({ drained: [{ use: 'busy' }], forced: [] })
})

test('half a request header that stays half is reset at the deadline', async () => {
  const supervised = await supervise(http.createServer(), { graceMs: 30 })
  const client = await bareClient(supervised)
  client.write('GET /now HT')
  await used(supervised, 'busy')
  const seen = eventsOf(client)
  expect(await supervised.stop()).toMatchObject({ drained: [], forced: [{ use: 'busy' }] })
  expect(await seen).toStrictEqual(['ECONNRESET', 'close'])
})

test('pipelined requests are all answered; only the last answer closes', async () => {
  const answers = new Answers()
  const supervised = await supervise(http.createServer(answers.listener))
  const client = await bareClient(supervised)
  client.write('GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\nGET /3 HTTP/1.1\r\nhost: a\r\n\r\n')
  await answers.asked(3)
  const stopped = supervised.stop()
  await until(() => supervised.state === 'draining')
  await turns(1)
  answers.waiting.forEach((response, n) => response.end(`answer ${n + 1}`))
  const text = await textOf(client)
  client.end()
  expect(text.match(/answer \d|connection: \S+/gi)).toStrictEqual([
    'Connection: keep-alive',
    'answer 1',
    'Connection: keep-alive',
    'answer 2',
    'connection: close',
    'answer 3',
  ])
  expect(await stopped).toMatchObject({ accepted: 1, forced: [] })
})

test('an answer that had begun is finished, and the connection closes behind it', async () => {
  const answers = new Answers()
  const supervised = await supervise(http.createServer(answers.listener), { graceMs: 60_000 })
  const client = await bareClient(supervised)
  client.write('GET /stream HTTP/1.1\r\nhost: a\r\n\r\n')
  await answers.asked()
  const [response] = answers.waiting
  response!.write('first')
  await once(client, 'data')
  const stopped = supervised.stop()
  await until(() => supervised.state === 'draining')
  await turns(2)
  response!.end('last')
  expect(await textOf(client)).toMatch(/last\r\n0\r\n\r\n$/)
  client.end()
  expect(await stopped).toMatchObject({ drained: [{ use: 'busy' }], forced: [] })
})

test('an upload that nobody waited for to the end leaves its connection idle', async () => {
  const supervised = await supervise(
    http.createServer((request, response) => {
      request.resume()
      response.end('enough')
    }),
    { graceMs: 60_000 },
  )
  const client = await bareClient(supervised)
  client.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345')
  await once(client, 'data')
  client.write('67890')
  client.resume()
  await used(supervised, 'idle')
  expect(await supervised.stop()).toMatchObject({ drained: [{ use: 'idle' }], forced: [] })
})

test('requests with `Expect: 100-continue` are seen, whoever answers that', async () => {
  const answers = new Answers()
  const server = http.createServer(answers.listener)
  server.on('checkContinue', (_request: unknown, response: http.ServerResponse) => answers.waiting.push(response))
  const supervised = await supervise(server)
  const client = await bareClient(supervised)
  client.write('POST /c HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 0\r\n\r\n')
  await answers.asked()
  expect([...supervised.connections]).toMatchObject([{ use: 'busy', request: 'POST /c' }])
  const stopped = supervised.stop()
  await until(() => supervised.state === 'draining')
  await turns(2)
  answers.give()
  expect(await textOf(client)).toMatch(/connection: close[\s\S]*given$/i)
  client.end()
  expect(await stopped).toMatchObject({ forced: [] })
})

test('the listener closes first: who dials while requests are under way is refused', async () => {
  const answers = new Answers()
  const supervised = await supervise(http.createServer(answers.listener), { graceMs: 60_000 })
  const answer = get(`${supervised.url}/slow`)
  await answers.asked()
  const stopped = supervised.stop()
  await until(() => supervised.state === 'draining')
  await expect(get(`${supervised.url}/now`)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  answers.give()
  await answer
  expect(await stopped).toMatchObject({ late: 0 })
})

test('20 clients that only the kernel knows at quit are late: none reaches the server, each sees a reset', async () => {
  let seen = 0
  const server = http.createServer().on('connection', () => seen++)
  const supervised = await supervise(server)
  const { events } = connectBehindTheBack(supervised, 20)
  expect(await supervised.stop()).toMatchObject({ accepted: 0, late: 20 })
  expect(await events).toStrictEqual(Array.from({ length: 20 }, () => ['connect', 'ECONNRESET']))
  expect(seen).toBe(0)
})

describe('idle.lingerMs', () => {
  test('a request that comes on an idle connection meanwhile is answered, and its answer closes', async () => {
    const answers = new Answers()
    const supervised = await supervise(http.createServer(answers.listener), { graceMs: 60_000, idle: { lingerMs: 60_000 } })
    const client = await idleClient(supervised)
    const stopped = supervised.stop()
    await until(() => supervised.state === 'draining')
    await turns(5)
    expect(usesOf(supervised)).toStrictEqual(['idle'])
    client.write(GET_NOW)
    expect(await textOf(client)).toMatch(/connection: close[\s\S]*now$/i)
    client.end()
    expect(await stopped).toMatchObject({ drained: [{ use: 'idle' }], forced: [] })
    expect(answers.served).toStrictEqual(['GET /now', 'GET /now'])
  })

  test('the others close when it is over', async () => {
    const supervised = await supervise(http.createServer(new Answers().listener), { graceMs: 60_000, idle: { lingerMs: 60 } })
    const client = await idleClient(supervised)
    const before = performance.now()
    expect(await supervised.stop()).toMatchObject({ drained: [{ use: 'idle' }], forced: [] })
    expect(performance.now() - before).toBeGreaterThan(55)
    client.end()
    await closed(client)
  })

  test('connections that were never used do not linger', async () => {
    const supervised = await supervise(http.createServer(), { graceMs: 60_000, idle: { lingerMs: 60_000 } })
    const client = await bareClient(supervised)
    client.resume()
    await used(supervised, 'unused')
    expect(await supervised.stop()).toMatchObject({ drained: [{ use: 'unused' }], forced: [] })
    client.end()
  })

  test('the deadline ends it', async () => {
    const supervised = await supervise(http.createServer(new Answers().listener), { graceMs: 30, idle: { lingerMs: 60_000 } })
    const client = await idleClient(supervised)
    expect(await supervised.stop()).toMatchObject({ drained: [], forced: [{ use: 'idle' }] })
    await closed(client)
  })
})

test('hundreds of idle connections close, a slice a turn', async () => {
  const supervised = await supervise(http.createServer(new Answers().listener), { graceMs: 60_000 })
  const clients = await Promise.all(Array.from({ length: 300 }, () => bareClient(supervised)))
  for (const client of clients) client.on('data', () => {}).write(GET_NOW)
  await used(supervised, 'idle', 300)
  const counts: number[] = []
  const stopped = supervised.stop()
  while (supervised.state !== 'stopped' && supervised.connections.size > 0) {
    counts.push([...supervised.connections].filter(({ socket }) => !socket.writableEnded).length) // which have yet to get their FIN
    await turns(1)
  }
  expect(await stopped).toMatchObject({ accepted: 300, forced: [] })
  const steps = counts.map((count, n) => count - (counts[n + 1] ?? 0))
  expect(Math.max(...steps)).toBeLessThanOrEqual(128)
  for (const client of clients) client.end()
})
