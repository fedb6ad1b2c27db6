import { once } from 'node:events'
import http2 from 'node:http2'
import type net from 'node:net'

import { describe, expect, onTestFinished, test } from 'vitest'

import type { SupervisedServer } from '../../src/server/supervise/supervised-server.ts'
import { certificate } from '../certificate.ts'
import { turns, until } from '../support.ts'
import { get, supervise, used } from './support.ts'

const SERVERS: [string, () => http2.Http2Server | http2.Http2SecureServer][] = [
  ['h2c', () => http2.createServer()],
  ['h2', () => http2.createSecureServer({ ...certificate(), allowHTTP1: true })],
]

interface Client {
  readonly session: http2.ClientHttp2Session
  readonly goaways: number[]
  readonly closed: Promise<void>
  /** Resolves to the text of the answer, or the code of the error. */
  ask(): Promise<string>
}

async function dial(server: SupervisedServer): Promise<Client> {
  const session = http2.connect(server.url, { ca: certificate().cert })
  const goaways: number[] = []
  session.on('goaway', (_code, lastStream) => goaways.push(lastStream))
  session.on('error', () => {})
  const closed = new Promise<void>((resolve) => session.on('close', () => resolve()))
  onTestFinished(() => session.destroy())
  await once(session, 'remoteSettings')
  const ask = (): Promise<string> =>
    new Promise((resolve) => {
      const stream = session.request({ ':path': '/' })
      let text = ''
      stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      stream.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      stream.on('end', () => resolve(text))
    })
  return { session, goaways, closed, ask }
}

/** Answers a stream when it is told to. */
function holding(server: net.Server): http2.ServerHttp2Stream[] {
  const waiting: http2.ServerHttp2Stream[] = []
  server.on('stream', (stream: http2.ServerHttp2Stream) => {
    stream.on('error', () => {})
    waiting.push(stream)
  })
  return waiting
}

describe.each(SERVERS)('%s', (_name, make) => {
  test('an idle session gets GOAWAY and closes', async () => {
    const supervised = await supervise(make(), { graceMs: 60_000 })
    const client = await dial(supervised)
    expect(await supervised.stop()).toMatchObject({ accepted: 1, drained: [{ use: 'http2' }], forced: [] })
    await client.closed
    expect(client.goaways).toContain(0)
  })

  test('a stream under way is served to its end', async () => {
    const server = make()
    const waiting = holding(server)
    const supervised = await supervise(server, { graceMs: 60_000 })
    const client = await dial(supervised)
    const answer = client.ask()
    await until(() => waiting.length === 1)
    const stopped = supervised.stop()
    await until(() => client.goaways.length > 0)
    waiting[0]!.respond({ ':status': 200 })
    waiting[0]!.end('served')
    expect(await answer).toBe('served')
    expect(await stopped).toMatchObject({ drained: [{ use: 'http2' }], forced: [] })
    await client.closed
  })

  test('a stream that never ends is reset at the deadline', async () => {
    const server = make()
    const waiting = holding(server)
    const supervised = await supervise(server, { graceMs: 40 })
    const client = await dial(supervised)
    void client.ask()
    await until(() => waiting.length === 1)
    expect(await supervised.stop()).toMatchObject({ drained: [], forced: [{ use: 'http2', ending: { kind: 'reset', by: 'local' } }] })
    await client.closed
  })

  test('with `idle.lingerMs` a session is told to begin nothing new, and what races that is served', async () => {
    const server = make()
    const waiting = holding(server)
    const supervised = await supervise(server, { graceMs: 60_000, idle: { lingerMs: 300 } })
    const client = await dial(supervised)
    const answer = client.ask()
    await until(() => waiting.length === 1)
    const second = client.ask() // begun, and not yet on its way
    const stopped = supervised.stop()
    await until(() => waiting.length === 2)
    for (const stream of waiting) {
      stream.respond({ ':status': 200 })
      stream.end('served')
    }
    expect([await answer, await second]).toStrictEqual(['served', 'served'])
    expect(await stopped).toMatchObject({ forced: [] })
    expect(client.goaways[0]).toBe(2 ** 31 - 1)
  })
})

test('HTTP/1 clients of an h2 server are treated as such', async () => {
  const server = http2.createSecureServer({ ...certificate(), allowHTTP1: true })
  let give = (): void => {}
  server.on('request', (_request, response) => (give = () => response.end('by HTTP/1')))
  const supervised = await supervise(server, { graceMs: 60_000 })
  const answer = get(supervised.url)
  await used(supervised, 'busy')
  const stopped = supervised.stop()
  await until(() => supervised.state === 'draining')
  await turns(2)
  give()
  expect(await answer).toMatchObject({ text: 'by HTTP/1', headers: { connection: 'close' } })
  expect(await stopped).toMatchObject({ drained: [{ use: 'busy' }], forced: [] })
})
