import { once } from 'node:events'
import http from 'node:http'
import type net from 'node:net'

import { expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'

import type { SupervisedServer } from '../../src/server/supervise/supervised-server.ts'
import { bareClient, textOf, turns, until } from '../support.ts'
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
