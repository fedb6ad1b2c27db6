import { once } from 'node:events'
import net from 'node:net'

import { expect, test } from 'vitest'

import { bareClient, closed, connectBehindTheBack, dialBare, eventsOf, textOf, turns, until } from '../support.ts'
import { supervise, used } from './support.ts'

test('each connection gets a FIN, and the stop waits for the peer’s', async () => {
  const server = net.createServer((socket) => void socket.on('error', () => {}).pipe(socket))
  const supervised = await supervise(server, { graceMs: 60_000 })
  const client = await bareClient(supervised)
  client.write('hello')
  expect(String((await once(client, 'data'))[0])).toBe('hello')
  const stopped = supervised.stop()
  expect(await textOf(client)).toBe('')
  await turns(5)
  expect(supervised.state).toBe('draining')
  client.end()
  expect(await stopped).toMatchObject({ accepted: 1, drained: [{ use: 'open', ending: { kind: 'eof', by: 'local' } }], forced: [] })
})

test('whoever listens to quit can say goodbye before the FIN', async () => {
  const sockets: net.Socket[] = []
  const supervised = await supervise(net.createServer((socket) => void sockets.push(socket)))
  supervised.quit.addEventListener('abort', () => sockets.forEach((socket) => socket.write('421 goodbye\r\n')))
  const client = await bareClient(supervised)
  await used(supervised, 'open')
  const stopped = supervised.stop()
  expect(await textOf(client)).toBe('421 goodbye\r\n')
  client.end()
  expect(await stopped).toMatchObject({ forced: [] })
})

test('a handler that goes on writing after the FIN brings nothing down', async () => {
  const sockets: net.Socket[] = []
  const supervised = await supervise(net.createServer((socket) => void sockets.push(socket)))
  const client = await bareClient(supervised)
  await used(supervised, 'open')
  const stopped = supervised.stop()
  await until(() => sockets[0]!.writableEnded)
  sockets[0]!.write('more') // nobody listens to its errors
  expect(await stopped).toMatchObject({ accepted: 1, forced: [] })
  client.resume().end()
  await closed(client)
})

test('a server that reads nothing sees the peer’s FIN all the same', async () => {
  const supervised = await supervise(net.createServer(), { graceMs: 60_000 })
  const client = await bareClient(supervised)
  client.write('unread')
  await used(supervised, 'open')
  const stopped = supervised.stop()
  await textOf(client)
  client.end()
  expect(await stopped).toMatchObject({ drained: [{ bytesRead: 6 }], forced: [] })
})

test('a peer that keeps its half open is reset at the deadline', async () => {
  const supervised = await supervise(net.createServer(), { graceMs: 40 })
  const client = await bareClient(supervised)
  await used(supervised, 'open')
  const report = await supervised.stop()
  expect(report).toMatchObject({ drained: [], forced: [{ peer: { port: client.localPort }, ending: { kind: 'reset', by: 'local' } }] })
  expect(report.phases.drainMs).toBeGreaterThan(30)
})

test('what nobody listened to stays an error of the server’s: ours does not swallow it', async () => {
  const server = net.createServer()
  const supervised = await supervise(server)
  const accepted = once(server, 'connection') as Promise<[net.Socket]>
  const client = await bareClient(supervised)
  const [socket] = await accepted
  expect(socket.listenerCount('error')).toBe(0)
  client.destroy()
  await closed(client)
})

test('20 clients that only the kernel knows at quit are late: the handler meets none', async () => {
  let handled = 0
  const supervised = await supervise(net.createServer(() => handled++))
  const { events } = connectBehindTheBack(supervised, 20)
  expect(await supervised.stop()).toMatchObject({ accepted: 0, late: 20 })
  expect(await events).toStrictEqual(Array.from({ length: 20 }, () => ['connect', 'ECONNRESET']))
  expect(handled).toBe(0)
})

test('who dials in the moment of the stop has connected before it sees the reset', async () => {
  const supervised = await supervise(net.createServer())
  const seen = eventsOf(dialBare(supervised))
  expect(await supervised.stop()).toMatchObject({ accepted: 0, late: 1 })
  expect(await seen).toStrictEqual(['connect', 'ECONNRESET', 'close'])
})

test('connections that were over before are counted, and how they ended is known', async () => {
  const server = net.createServer((socket) => void socket.on('error', () => {}).resume())
  const supervised = await supervise(server)
  const [leaves, resets, stays] = await Promise.all([bareClient(supervised), bareClient(supervised), bareClient(supervised)])
  await used(supervised, 'open', 3)
  leaves.end()
  resets.resetAndDestroy()
  await until(() => supervised.connections.size === 1)
  const seen = eventsOf(stays)
  stays.on('end', () => stays.end())
  expect(await supervised.stop()).toMatchObject({ accepted: 3, endedBefore: 2, drained: [{ id: expect.any(Number) }] })
  expect(await seen).toStrictEqual(['end', 'close'])
})
