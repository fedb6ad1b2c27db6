import { once } from 'node:events'
import net from 'node:net'

import { expect, test } from 'vitest'

import { bareClient, bareServer, closed, eventsOf, openSockets, textOf, turns, until } from '../support.ts'

test("`server.close` calls back before the sockets' own `close`", async () => {
  const bare = await bareServer()
  await bareClient(bare)
  const socket = await bare.socket()
  const order: string[] = []
  const socketClosed = closed(socket).then(() => order.push('socket'))
  await new Promise<void>((resolve) => {
    bare.server.close(() => {
      order.push('server')
      resolve()
    })
    socket.destroy()
  })
  await socketClosed
  expect(order).toStrictEqual(['server', 'socket'])
})

test('`close()` right after `listen()`: `listening` never comes', async () => {
  const server = net.createServer()
  let listening = false
  server.on('listening', () => (listening = true))
  server.listen(0, '127.0.0.1')
  server.close()
  await once(server, 'close')
  await turns(10)
  expect(listening).toBe(false)
})

test('a second `close()` is an error', async () => {
  const { server, close } = await bareServer()
  await close()
  const error = await new Promise<Error | undefined>((resolve) => server.close(resolve))
  expect(error).toMatchObject({ code: 'ERR_SERVER_NOT_RUNNING' })
})

test('`end()` reads as an end at the peer', async () => {
  const bare = await bareServer((socket) => socket.end())
  expect(await eventsOf(await bareClient(bare, { allowHalfOpen: false }))).toStrictEqual(['end', 'close'])
})

test('`destroy()` with nothing unread reads as an end at the peer', async () => {
  const bare = await bareServer((socket) => socket.destroy())
  expect(await eventsOf(await bareClient(bare, { allowHalfOpen: false }))).toStrictEqual(['end', 'close'])
})

test('`destroy()` with unread bytes reads as a reset at the peer', async () => {
  const bare = await bareServer(() => {}, { pauseOnConnect: true })
  const client = await bareClient(bare)
  const socket = await bare.socket()
  await new Promise<void>((resolve) => client.write('unread', () => resolve()))
  const events = eventsOf(client)
  socket.destroy()
  expect(await events).toStrictEqual(['ECONNRESET', 'close'])
})

test('`resetAndDestroy()` reads as a reset at the peer, never as an end, and here as nothing but a close', async () => {
  const bare = await bareServer()
  const client = await bareClient(bare)
  const socket = await bare.socket()
  const [theirs, ours] = [eventsOf(client), eventsOf(socket)]
  socket.resetAndDestroy()
  expect(await ours).toStrictEqual(['close'])
  expect(await theirs).toStrictEqual(['ECONNRESET', 'close'])
})

test('a paused socket with something buffered sees no end until it resumes', async () => {
  const bare = await bareServer((socket) => socket.end('bye'))
  const client = await bareClient(bare, { allowHalfOpen: false })
  let ended = false
  client.on('end', () => (ended = true))
  client.pause()
  client.read(0)
  await until(() => client.readableLength === 3)
  await turns(20)
  expect(ended).toBe(false)
  expect(await eventsOf(client)).toStrictEqual(['end', 'close'])
})

test('after its `end` a half-open socket hears no reset until it writes', async () => {
  const bare = await bareServer()
  const client = await bareClient(bare)
  const socket = await bare.socket()
  const events: string[] = []
  client.on('error', (error: NodeJS.ErrnoException) => events.push(error.code!)).on('close', () => events.push('close'))
  client.resume()
  socket.end()
  await once(client, 'end')
  socket.resetAndDestroy()
  await closed(socket)
  await turns(50)
  expect(events).toStrictEqual([])
  client.write('?')
  await closed(client)
  expect(events).toStrictEqual([expect.stringMatching(/^(EPIPE|ECONNRESET)$/), 'close'])
})

test('`for await` on a socket destroys the other half when the readable one ends (but on 24.21)', async () => {
  const bare = await bareServer((socket) => socket.end('ask'))
  const client = await bareClient(bare)
  for await (const chunk of client) void chunk
  expect(client.destroyed).toBe(!process.version.startsWith('v24.'))
})

test('an iterator that is told not to destroy leaves the other half alone', async () => {
  const bare = await bareServer((socket) => socket.end('ask'))
  const client = await bareClient(bare)
  const answer = textOf(await bare.socket())
  for await (const chunk of client.iterator({ destroyOnReturn: false })) {
    void chunk
    break
  }
  expect(client.destroyed).toBe(false)
  client.end('answer')
  expect(await answer).toBe('answer')
})

test('a write that a reset cuts short may call back without an error: Node 20 does', async () => {
  const bare = await bareServer(() => {}, { pauseOnConnect: true })
  const client = await bareClient(bare)
  const socket = await bare.socket()
  const outcome = new Promise<Error | null | undefined>((resolve) => client.write(Buffer.alloc(32 * 2 ** 20), resolve))
  expect(client.writableLength).toBeGreaterThan(0)
  client.resume()
  socket.resetAndDestroy()
  if (Number(process.versions.node.split('.')[0]) < 22) expect(await outcome).toBeFalsy()
  else expect(await outcome).toMatchObject({ code: 'ECANCELED' })
  expect(client.destroyed).toBe(true)
})

test('`resetAndDestroy()` while our FIN is under way fails with EINVAL, never tells of a close, and leaves the descriptor open', async () => {
  const bare = await bareServer()
  const client = await bareClient(bare)
  await bare.socket()
  const open = openSockets()
  const events: string[] = []
  client
    .on('error', (error: NodeJS.ErrnoException) => events.push(`${error.code} ${error.syscall}`))
    .on('close', () => events.push('close'))
  client.end()
  client.resetAndDestroy()
  await turns(50)
  expect(events).toStrictEqual(['EINVAL reset'])
  expect(client.closed).toBe(true)
  expect(openSockets()).toBe(open)
})

test('`resetAndDestroy()` once the FIN is out is a reset', async () => {
  const bare = await bareServer()
  const client = await bareClient(bare)
  const ours = eventsOf(client)
  client.end()
  await once(client, 'finish')
  client.resetAndDestroy()
  expect(await ours).toStrictEqual(['close'])
})
