import { once } from 'node:events'
import { createServer } from 'node:http'

import { expect } from 'vitest'
import { faults, type Rig } from 'netgrace'
import { test } from 'netgrace/vitest'
import { WebSocket, WebSocketServer } from 'ws'

const BEAT_MS = 40

/** Pings, and gives up on a peer that has left two of them unanswered. */
function heartbeat(socket: WebSocket): void {
  let unanswered = 0
  const beating = setInterval(() => {
    if (unanswered === 2) return socket.terminate()
    unanswered++
    socket.ping()
  }, BEAT_MS)
  socket.on('pong', () => (unanswered = 0))
  socket.on('close', () => clearInterval(beating))
}

/** A WebSocket through a proxy, both its ends, and each has a heart. */
async function wired(rig: Rig) {
  const http = createServer()
  const sockets = new WebSocketServer({ server: http })
  const proxy = await rig.proxy(await rig.supervise(http))
  const client = rig.adopt(new WebSocket(proxy.url.replace('http', 'ws')), (one) => one.terminate())
  const [[server]] = (await Promise.all([once(sockets, 'connection'), once(client, 'open')])) as [[WebSocket], unknown]
  heartbeat(client)
  heartbeat(server)
  return { proxy, client, server }
}

/** The code of its close; 1006: nobody said goodbye. */
async function closeCode(socket: WebSocket): Promise<number> {
  const [code] = (await once(socket, 'close')) as [number]
  return code
}

test('a heart beats as long as the peer answers', async ({ rig }) => {
  const { proxy, client, server } = await wired(rig)
  for (let beat = 0; beat < 5; beat++) await Promise.all([once(client, 'pong'), once(server, 'pong')])
  expect([client.readyState, server.readyState]).toStrictEqual([WebSocket.OPEN, WebSocket.OPEN])
  expect(proxy.links.size).toBe(1)
})

test('a peer that is not heard any more is given up by both ends, although neither was told anything', async ({ rig }) => {
  const { proxy, client, server } = await wired(rig)
  await Promise.all([once(client, 'pong'), once(server, 'pong')])
  const codes = Promise.all([closeCode(client), closeCode(server)])
  proxy.inject(faults.blackhole())
  expect(await codes).toStrictEqual([1006, 1006])
})

test('a peer whose words are stuck is given up by both ends: one hears no pings, the other no pongs', async ({ rig }) => {
  const { proxy, client, server } = await wired(rig)
  await Promise.all([once(client, 'pong'), once(server, 'pong')])
  const codes = Promise.all([closeCode(client), closeCode(server)])
  proxy.inject(faults.stall(), { direction: 'upstream' })
  expect(await codes).toStrictEqual([1006, 1006])
})
