/** What the READMEs and the test suites of http-terminator 3, stoppable 1 and http-graceful-shutdown 4 promise, kept; and what they get wrong. */
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type net from 'node:net'
import tls from 'node:tls'

import stoppable from 'stoppable'
import { describe, expect, onTestFinished, test } from 'vitest'

import { certificate } from '../certificate.ts'
import { bareClient, bareServer, closed, until } from '../support.ts'
import { Answers, get, supervise, used } from './support.ts'

const SERVERS: [string, (listener: http.RequestListener) => net.Server, () => http.Agent][] = [
  ['http', (listener) => http.createServer(listener), () => new http.Agent({ keepAlive: true, maxSockets: 1 })],
  ['https', (listener) => https.createServer(certificate(), listener), () => new https.Agent({ keepAlive: true, maxSockets: 1 })],
]

describe.each(SERVERS)('%s', (_name, make, makeAgent) => {
  function agent(): http.Agent {
    const made = makeAgent()
    onTestFinished(() => made.destroy())
    return made
  }

  test('http-terminator: terminates a server with no connections', async () => {
    expect(await (await supervise(make(() => {}))).stop()).toMatchObject({ accepted: 0 })
  })

  test('http-terminator: terminates hanging sockets after the timeout', async () => {
    const answers = new Answers()
    const supervised = await supervise(make(answers.listener), { graceMs: 60 })
    const hanging = get(`${supervised.url}/hangs`).catch((error: NodeJS.ErrnoException) => error.code)
    await answers.asked()
    const report = await supervised.stop()
    expect(report.durationMs).toBeGreaterThan(55)
    expect(await hanging).toBe('ECONNRESET')
  })

  test('http-terminator: a server that is terminating accepts nobody', async () => {
    const answers = new Answers()
    const supervised = await supervise(make(answers.listener), { graceMs: 60_000 })
    const answered = get(`${supervised.url}/slow`)
    await answers.asked()
    const stopped = supervised.stop()
    await until(() => supervised.state === 'draining')
    await expect(get(`${supervised.url}/now`)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    answers.give()
    await answered
    await stopped
  })

  test('http-terminator: no `Connection: close` before', async () => {
    const supervised = await supervise(make(new Answers().listener))
    expect((await get(`${supervised.url}/now`, agent())).headers.connection).toBe('keep-alive')
    await supervised.stop()
  })

  test('http-terminator: a new request on an existing socket gets `Connection: close`', async () => {
    const answers = new Answers()
    const supervised = await supervise(make(answers.listener), { graceMs: 60_000, idle: { lingerMs: 60_000 } })
    const client = agent()
    const first = await get(`${supervised.url}/now`, client)
    await used(supervised, 'idle')
    const stopped = supervised.stop()
    await until(() => supervised.state === 'draining')
    const second = await get(`${supervised.url}/now`, client)
    expect(second.socket === first.socket).toBe(true)
    expect(second.headers.connection).toBe('close')
    expect(await stopped).toMatchObject({ accepted: 1, forced: [] })
  })

  test('http-terminator, stoppable: it stops as soon as what was under way is done, and not at the deadline', async () => {
    const answers = new Answers()
    const supervised = await supervise(make(answers.listener), { graceMs: 60_000 })
    const client = agent()
    const answered = get(`${supervised.url}/slow`, client)
    await answers.asked()
    const stopped = supervised.stop()
    answers.give()
    await answered
    expect(await stopped).toMatchObject({ accepted: 1, drained: [{ use: 'busy' }], forced: [] })
  })

  test('http-terminator: it remembers no socket that has gone', async () => {
    const supervised = await supervise(make(new Answers().listener))
    for (let n = 0; n < 5; n++) await get(`${supervised.url}/now`)
    await until(() => supervised.connections.size === 0)
    expect(await supervised.stop()).toMatchObject({ accepted: 5, endedBefore: 5, drained: [] })
  })

  test('stoppable: idle connections close, those with requests in flight do not', async () => {
    const answers = new Answers()
    const supervised = await supervise(make(answers.listener), { graceMs: 60_000 })
    await Promise.all([get(`${supervised.url}/now`, agent()), get(`${supervised.url}/now`, agent())])
    const answered = get(`${supervised.url}/slow`, agent())
    await answers.asked()
    await used(supervised, 'idle', 2)
    const stopped = supervised.stop()
    await until(() => supervised.connections.size === 1)
    expect([...supervised.connections]).toMatchObject([{ use: 'busy', request: 'GET /slow' }])
    answers.give()
    expect((await answered).text).toBe('given')
    expect(await stopped).toMatchObject({ accepted: 3, forced: [] })
  })

  test('stoppable: a grace of 0 kills all at once', async () => {
    const answers = new Answers()
    const supervised = await supervise(make(answers.listener))
    const killed = [1, 2, 3].map((n) => get(`${supervised.url}/${n}`).catch((error: NodeJS.ErrnoException) => error.code))
    await answers.asked(3)
    const report = await supervised.stop({ graceMs: 0 })
    expect(report.forced.length).toBe(3)
    expect(await Promise.all(killed)).toStrictEqual(['ECONNRESET', 'ECONNRESET', 'ECONNRESET'])
  })

  test('http-graceful-shutdown: sockets without a request go at once', async () => {
    const supervised = await supervise(
      make(() => {}),
      { graceMs: 60_000 },
    )
    const client = supervised.url.startsWith('https:')
      ? tls.connect({ port: supervised.port, host: supervised.host, ca: certificate().cert })
      : await bareClient(supervised)
    client.on('end', () => client.end()).resume()
    await used(supervised, 'unused')
    expect(await supervised.stop()).toMatchObject({ accepted: 1, drained: [{ use: 'unused' }], forced: [] })
    await closed(client)
  })
})

test('what was under way is told by the quit signal, as with preShutdown: every connection is there and untouched', async () => {
  const answers = new Answers()
  const supervised = await supervise(http.createServer(answers.listener))
  const answered = get(`${supervised.url}/slow`)
  await answers.asked()
  let seen: unknown[] = []
  supervised.quit.addEventListener('abort', () => {
    seen = [...supervised.connections].map(({ use, socket }) => [use, socket.writable])
    answers.give('goodbye')
  })
  const stopped = supervised.stop()
  expect(seen).toStrictEqual([['busy', true]])
  expect((await answered).text).toBe('goodbye')
  await stopped
})

test('a TLS handshake that is under way hangs stoppable, and not us', async () => {
  const theirs = stoppable(https.createServer(certificate())) as https.Server & { stop(done: () => void): void }
  theirs.listen(0, '127.0.0.1')
  await once(theirs, 'listening')
  const accepted = once(theirs, 'connection')
  const hanging = await bareClient({ port: (theirs.address() as net.AddressInfo).port })
  await accepted
  let theyStopped = false
  theirs.stop(() => (theyStopped = true))

  const supervised = await supervise(https.createServer(certificate()), { graceMs: 100 })
  const shaking = await bareClient(supervised)
  await used(supervised, 'handshake')
  expect(await supervised.stop()).toMatchObject({ accepted: 1, forced: [{ use: 'handshake' }] })
  await closed(shaking.resume())
  expect(theyStopped).toBe(false)
  hanging.destroy()
  await until(() => theyStopped)
})

test('the listener closes before anybody is waited for: its port is free at once', async () => {
  const answers = new Answers()
  const supervised = await supervise(http.createServer(answers.listener))
  const answered = get(`${supervised.url}/slow`)
  await answers.asked()
  const stopped = supervised.stop()
  await until(() => supervised.state === 'draining')
  const next = await bareServer(() => {}, {}, supervised.port)
  expect(next.port).toBe(supervised.port)
  answers.give()
  await answered
  await stopped
})
