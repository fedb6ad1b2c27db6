import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'

import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'

import type { SupervisedServer } from '../../src/server/supervise/supervised-server.ts'
import { bareClient, bareServer, textOf, turns, until } from '../support.ts'
import { Answers, get, listenersOf, supervise, used, usesOf } from './support.ts'

async function webSocket(to: SupervisedServer): Promise<{ socket: WebSocket; closed: Promise<unknown[]> }> {
  const socket = new WebSocket(to.url.replace('http', 'ws'))
  onTestFinished(() => socket.terminate())
  const closed = once(socket, 'close')
  await once(socket, 'open')
  return { socket, closed }
}

test('a WebSocket gets its FIN, and a client that answers is not forced', async () => {
  const server = http.createServer()
  const sockets = new WebSocketServer({ server })
  onTestFinished(() => sockets.close())
  const supervised = await supervise(server, { graceMs: 60_000 })
  const { closed } = await webSocket(supervised)
  await used(supervised, 'upgraded')
  expect(await supervised.stop()).toMatchObject({ accepted: 1, drained: [{ use: 'upgraded' }], forced: [] })
  expect((await closed)[0]).toBe(1006)
})

test('whoever listens to quit closes its WebSockets with a code', async () => {
  const server = http.createServer()
  const sockets = new WebSocketServer({ server })
  onTestFinished(() => sockets.close())
  const supervised = await supervise(server, { graceMs: 60_000 })
  supervised.quit.addEventListener('abort', () => {
    for (const socket of sockets.clients) socket.close(1001, 'going away')
  })
  const clients = await Promise.all([webSocket(supervised), webSocket(supervised)])
  expect(await supervised.stop()).toMatchObject({ accepted: 2, forced: [] })
  for (const { closed } of clients) expect((await closed).map(String)).toStrictEqual(['1001', 'going away'])
})

test('an upgraded socket whose peer stays is reset at the deadline', async () => {
  const server = http.createServer().on('upgrade', (_request, socket) => void socket.write('HTTP/1.1 101 Switching\r\n\r\n'))
  const supervised = await supervise(server, { graceMs: 40 })
  const client = await bareClient(supervised)
  client.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
  await once(client, 'data')
  expect(usesOf(supervised)).toStrictEqual(['upgraded'])
  expect(await supervised.stop()).toMatchObject({ drained: [], forced: [{ use: 'upgraded' }] })
})

test('a tunnel by CONNECT is one, too', async () => {
  const server = http.createServer().on('connect', (_request, socket) => void socket.write('HTTP/1.1 200 Established\r\n\r\n'))
  const supervised = await supervise(server)
  const client = await bareClient(supervised)
  client.write('CONNECT example:1 HTTP/1.1\r\nhost: example\r\n\r\n')
  await once(client, 'data')
  expect(usesOf(supervised)).toStrictEqual(['upgraded'])
  const stopped = supervised.stop()
  await textOf(client)
  client.end()
  expect(await stopped).toMatchObject({ forced: [] })
})

test('an upgrade while the server drains gets its FIN, and is not waited for otherwise', async () => {
  const upgraded: net.Socket[] = []
  const server = http.createServer().on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching\r\n\r\n')
    upgraded.push(socket as net.Socket)
  })
  const supervised = await supervise(server, { graceMs: 60_000 })
  const client = await bareClient(supervised)
  client.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\n')
  await used(supervised, 'busy')
  const stopped = supervised.stop()
  await until(() => supervised.state === 'draining')
  await turns(2)
  client.write('upgrade: x\r\n\r\n')
  expect(await textOf(client)).toMatch(/101 Switching/)
  client.end()
  expect(await stopped).toMatchObject({ forced: [] })
})

describe('an upgrade that is being decided at quit', () => {
  /** A WebSocket server that takes its time to look up who asks. */
  async function deciding(
    decide: (sockets: WebSocketServer, request: http.IncomingMessage, socket: net.Socket, head: Buffer) => void,
  ): Promise<SupervisedServer> {
    const server = http.createServer()
    const sockets = new WebSocketServer({ noServer: true })
    server.on('upgrade', (request, socket, head) => {
      setTimeout(() => decide(sockets, request, socket as net.Socket, head), 80)
    })
    return supervise(server, { graceMs: 60_000 })
  }

  test('is answered, and what is said in the same breath arrives', async () => {
    const supervised = await deciding((sockets, request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (accepted) => {
        accepted.send('welcome')
        accepted.close(1001, 'going away')
      }),
    )
    const client = new WebSocket(supervised.url.replace('http', 'ws'))
    onTestFinished(() => client.terminate())
    const messages: string[] = []
    client.on('message', (message: Buffer) => messages.push(String(message)))
    const ended = once(client, 'close')
    await used(supervised, 'busy')
    const stopped = supervised.stop()
    expect((await ended).map(String)).toStrictEqual(['1001', 'going away'])
    expect(messages).toStrictEqual(['welcome'])
    expect(await stopped).toMatchObject({ drained: [{ use: 'busy', ending: { kind: 'eof' } }], forced: [], cutOff: [] })
  })

  test('is refused with the status that the server gives it', async () => {
    const supervised = await deciding((_sockets, _request, socket) => socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'))
    const client = await bareClient(supervised)
    client.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
    await used(supervised, 'busy')
    const stopped = supervised.stop()
    expect(await textOf(client)).toMatch(/^HTTP\/1\.1 401 Unauthorized/)
    client.end()
    expect(await stopped).toMatchObject({ drained: [{ use: 'busy' }], forced: [] })
  })

  test('and never is, is reset at the deadline', async () => {
    const supervised = await supervise(
      http.createServer().on('upgrade', () => {}),
      { graceMs: 60 },
    )
    const client = await bareClient(supervised)
    client.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
    await used(supervised, 'busy')
    expect(await supervised.stop()).toMatchObject({ drained: [], forced: [{ use: 'busy' }] })
  })

  test('of a tunnel is answered once its upstream is reached', async () => {
    const upstream = await bareServer((socket) => void socket.end('from upstream'))
    const server = http.createServer().on('connect', (_request, socket) => {
      setTimeout(() => {
        const to = net.connect(upstream.port, upstream.host, () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n')
          to.pipe(socket)
        })
      }, 50)
    })
    const supervised = await supervise(server, { graceMs: 60_000 })
    const client = await bareClient(supervised)
    client.write('CONNECT db:1 HTTP/1.1\r\nhost: db\r\n\r\n')
    await used(supervised, 'busy')
    const stopped = supervised.stop()
    expect(await textOf(client)).toBe('HTTP/1.1 200 OK\r\n\r\nfrom upstream')
    client.end()
    expect(await stopped).toMatchObject({ drained: [{ use: 'busy' }], forced: [] })
  })
})

test('what an upgraded connection is sent behind its FIN is counted', async () => {
  let upgraded: net.Socket | undefined
  const server = http.createServer().on('upgrade', (_request, socket) => {
    upgraded = socket as net.Socket
    upgraded.write('HTTP/1.1 101 Switching\r\n\r\n')
  })
  const supervised = await supervise(server, { graceMs: 60_000 })
  const client = await bareClient(supervised)
  client.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
  await used(supervised, 'upgraded')
  const stopped = supervised.stop()
  await textOf(client)
  upgraded!.write(Buffer.alloc(1000))
  client.end()
  expect(await stopped).toMatchObject({ drained: [{ use: 'upgraded', cutOffBytes: 1000 }], cutOff: [{ cutOffBytes: 1000 }] })
})

test('supervising does not turn a server without upgrades into one with', async () => {
  const answers = new Answers()
  const server = http.createServer(answers.listener)
  const supervised = await supervise(server)
  const headers = { connection: 'upgrade', upgrade: 'x' }
  expect((await get(`${supervised.url}/now`, undefined, { headers })).text).toBe('now')
  const before = listenersOf(server)
  const onUpgrade = (): void => {}
  server.on('upgrade', onUpgrade)
  expect(server.listenerCount('upgrade')).toBe(2)
  server.off('upgrade', onUpgrade)
  expect(listenersOf(server)).toStrictEqual(before)
  expect((await get(`${supervised.url}/now`, undefined, { headers })).text).toBe('now')
})
