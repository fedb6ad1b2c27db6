import { once } from 'node:events'
import net from 'node:net'

import { expect, test } from 'vitest'

import { bareClient, bareServer, closed, connectBehindTheBack, dialBare, eventsOf, turn, turns } from '../support.ts'

test('`connect` comes before the server has accepted', async () => {
  let accepted = 0
  const bare = await bareServer(() => (accepted += 1))
  let ahead = 0
  let connected = 0
  const clients = Array.from({ length: 50 }, () => dialBare(bare))
  const all = clients.map(async (client) => {
    await once(client, 'connect')
    connected += 1
    if (connected > accepted) ahead += 1
  })
  await Promise.all(all)
  expect(ahead).toBeGreaterThan(0)
})

test('`close()` with clients in the backlog: none is accepted, each is reset', async () => {
  let accepted = 0
  const bare = await bareServer(() => (accepted += 1))
  const { events } = connectBehindTheBack(bare, 20)
  await bare.close()
  expect(await events).toStrictEqual(Array.from({ length: 20 }, () => ['connect', 'ECONNRESET']))
  expect(accepted).toBe(0)
})

test('a turn accepts one connection, and after two idle turns the backlog is empty', async () => {
  let accepted = 0
  const bare = await bareServer(() => (accepted += 1))
  connectBehindTheBack(bare, 20)
  const perTurn: number[] = []
  for (let idle = 0; idle < 2;) {
    const before = accepted
    await turn()
    perTurn.push(accepted - before)
    idle = accepted === before ? idle + 1 : 0
  }
  expect(accepted).toBe(20)
  expect(Math.max(...perTurn)).toBe(1)
})

test('a reset in the turn of its accept comes before the connect of a dialler in the same process', async () => {
  const bare = await bareServer((socket) => socket.resetAndDestroy())
  const client = dialBare(bare)
  const errors: NodeJS.ErrnoException[] = []
  client.on('error', (error) => errors.push(error))
  expect(await eventsOf(client)).toStrictEqual(['ECONNRESET', 'close'])
  expect(errors[0]).toMatchObject({ syscall: 'connect' })
})

test('a reset one turn after its accept comes behind the connect', async () => {
  const bare = await bareServer((socket) => void setImmediate(() => socket.resetAndDestroy()))
  expect(await eventsOf(dialBare(bare))).toStrictEqual(['connect', 'ECONNRESET', 'close'])
})

test('a client that was reset before its accept has no port here', async () => {
  const bare = await bareServer()
  const ports: Array<number | undefined> = []
  bare.server.on('connection', (socket: net.Socket) => ports.push(socket.remotePort))
  const clients = Array.from({ length: 5 }, () => dialBare(bare))
  for (const client of clients) client.once('connect', () => client.resetAndDestroy())
  await Promise.all(clients.map(closed))
  await turns(20)
  expect(ports.length).toBeGreaterThan(0)
  expect(ports).toContain(undefined)
})

test('the eleventh abort listener on one signal warns on Node 20, so a server has one', async () => {
  const { signal } = new AbortController()
  const warnings: string[] = []
  const warned = (warning: Error): void => void warnings.push(warning.name)
  process.on('warning', warned)
  for (let n = 0; n < 11; n++) signal.addEventListener('abort', () => {})
  await turns(2)
  process.off('warning', warned)
  if (process.version.startsWith('v20.')) expect(warnings).toStrictEqual(['MaxListenersExceededWarning'])
  else expect(warnings.length).toBeLessThan(2)
})

test('a client dialled in this turn stands in the backlog before the next', async () => {
  let accepted = 0
  const bare = await bareServer(() => (accepted += 1))
  await bareClient(bare)
  for (let n = 0; n < 10; n++) dialBare(bare)
  await turns(14)
  expect(accepted).toBe(11)
})
