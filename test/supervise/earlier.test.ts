import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'

import { describe, expect, onTestFinished, test } from 'vitest'

import { certificate } from '../certificate.ts'
import { bareClient, eventsOf, textOf, turns, until } from '../support.ts'
import { Answers, get, GET_NOW, keepAliveClient, supervise, usesOf } from './support.ts'

async function listening<S extends net.Server>(server: S): Promise<{ server: S; port: number; url: string }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  return { server, port, url: `http${server instanceof https.Server ? 's' : ''}://127.0.0.1:${port}` }
}

/** A connection whose server's end does not keep the process alive, so that Node does not show it. */
async function unseenClient({ server, port }: { server: net.Server; port: number }): Promise<net.Socket> {
  const accepted = once(server, 'connection') as Promise<[net.Socket]>
  const client = await bareClient({ port })
  const [socket] = await accepted
  socket.unref()
  return client
}

describe('connections from before supervision', () => {
  test('are found: unused, idle, busy and upgraded ones', async () => {
    const answers = new Answers()
    const made = await listening(http.createServer(answers.listener))
    made.server.on('upgrade', (_request, socket) => void socket.write('HTTP/1.1 101 Switching\r\n\r\n'))
    const [unused, idle, upgraded] = await Promise.all([bareClient(made), bareClient(made), bareClient(made)])
    idle.write(GET_NOW)
    upgraded.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
    await Promise.all([once(idle, 'data'), once(upgraded, 'data')])
    const busy = get(`${made.url}/slow`)
    await answers.asked()

    const supervised = await supervise(made.server, { graceMs: 60_000 })
    expect(usesOf(supervised).toSorted()).toStrictEqual(['busy', 'busy', 'unused', 'upgraded'].toSorted())
    const seen = [unused, upgraded].map((client) => eventsOf(client.on('end', () => client.end())))
    const idleSeen = eventsOf(idle.on('end', () => idle.end()))
    const stopped = supervised.stop()
    await until(() => supervised.state === 'draining')
    await turns(2)
    answers.give()
    expect(await busy).toMatchObject({ text: 'given', headers: { connection: 'close' } })
    expect(await stopped).toMatchObject({ accepted: 4, forced: [], untracked: 0 })
    expect(await Promise.all([...seen, idleSeen])).toStrictEqual(Array.from({ length: 3 }, () => ['end', 'close']))
  })

  test('of a net server get their FIN', async () => {
    const made = await listening(net.createServer((socket) => void socket.pipe(socket)))
    const client = await bareClient(made)
    client.write('hello')
    await once(client, 'data')
    const supervised = await supervise(made.server, { graceMs: 60_000 })
    const stopped = supervised.stop()
    expect(await textOf(client)).toBe('')
    client.end()
    expect(await stopped).toMatchObject({ accepted: 1, drained: [{ use: 'open' }], untracked: 0 })
  })

  test('of an https server close when they are idle, and after an answer', async () => {
    const answers = new Answers()
    const made = await listening(https.createServer(certificate(), answers.listener))
    const agent = new https.Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    const idle = await get(`${made.url}/now`, agent)
    const seen = eventsOf(idle.socket)
    const busy = get(`${made.url}/slow`)
    await answers.asked()
    const supervised = await supervise(made.server, { graceMs: 60_000 })
    const stopped = supervised.stop()
    expect(await seen).not.toContain('ECONNRESET')
    answers.give()
    expect((await busy).text).toBe('given')
    expect(await stopped).toMatchObject({ accepted: 2, forced: [], untracked: 0 })
  })

  test('of an h2c server are waited for, and reset at the deadline at the latest', async () => {
    const made = await listening(http2.createServer())
    const session = http2.connect(made.url)
    onTestFinished(() => session.destroy())
    session.on('error', () => {})
    await once(session, 'remoteSettings')
    const supervised = await supervise(made.server, { graceMs: 100 })
    const report = await supervised.stop()
    expect(report).toMatchObject({ accepted: 1, untracked: 0 })
    expect(report.drained.length + report.forced.length).toBe(1)
  })
})

describe('connections that Node does not show', () => {
  test('are found when they ask', async () => {
    const answers = new Answers()
    const made = await listening(http.createServer(answers.listener))
    const agent = keepAliveClient()
    made.server.once('connection', (socket) => socket.unref())
    await get(`${made.url}/now`, agent)
    const supervised = await supervise(made.server)
    expect(supervised.connections.size).toBe(0)
    const answer = get(`${made.url}/slow`, agent)
    await answers.asked()
    expect(usesOf(supervised)).toStrictEqual(['busy'])
    const stopped = supervised.stop()
    await until(() => supervised.state === 'draining')
    await turns(2)
    answers.give()
    expect((await answer).headers.connection).toBe('close')
    expect(await stopped).toMatchObject({ accepted: 1, untracked: 0, forced: [] })
  })

  test('are untracked, and waited for: an idle one is closed by the server itself', async () => {
    const made = await listening(http.createServer(new Answers().listener))
    const client = await unseenClient(made)
    client.write(GET_NOW)
    await once(client, 'data')
    const supervised = await supervise(made.server, { graceMs: 60_000 })
    const seen = eventsOf(client.on('end', () => client.end()))
    expect(await supervised.stop()).toMatchObject({ accepted: 0, drained: [], untracked: 1 })
    expect(await seen).toStrictEqual(['end', 'close'])
  })

  test('are cut at the deadline by an HTTP server', async () => {
    const made = await listening(http.createServer())
    const client = await unseenClient(made)
    const supervised = await supervise(made.server, { graceMs: 30 })
    const ended = once(client.resume(), 'end')
    expect(await supervised.stop()).toMatchObject({ accepted: 0, forced: [], untracked: 1 })
    await ended // we have not closed it ourselves
  })

  test('of a net server are only named: the stop resolves', async () => {
    const made = await listening(net.createServer())
    const client = await unseenClient(made)
    const supervised = await supervise(made.server, { graceMs: 30 })
    expect(await supervised.stop()).toMatchObject({ accepted: 0, forced: [], untracked: 1 })
    expect(client.destroyed).toBe(false)
  })
})

test('a connection that is being destroyed at quit takes the place of none that is untracked', async () => {
  const made = await listening(net.createServer())
  await unseenClient(made)
  const supervised = await supervise(made.server, { graceMs: 30 })
  const accepted = once(made.server, 'connection') as Promise<[net.Socket]>
  await bareClient(made)
  const [seen] = await accepted
  await until(() => supervised.connections.size === 1)
  seen.destroy() // the server counts it no more, and its `close` is yet to come
  expect(await supervised.stop()).toMatchObject({ accepted: 1, untracked: 1 })
})
