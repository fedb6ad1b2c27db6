import { once } from 'node:events'
import http from 'node:http'

import { superviseServer } from 'netgrace'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'

test('ws: whoever listens to quit says goodbye with a code, and the clients hear it', async () => {
  const server = http.createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket: InstanceType<typeof WebSocket>) => socket.on('message', (data: Buffer) => socket.send(data)))
  const supervised = await superviseServer(server)
  supervised.quit.addEventListener('abort', () => {
    for (const socket of sockets.clients) socket.close(1001, 'back soon')
  })

  const client = new WebSocket(supervised.url.replace('http', 'ws'))
  await once(client, 'open')
  client.send('hello')
  expect(String((await once(client, 'message'))[0])).toBe('hello')

  const closed = once(client, 'close')
  expect(await supervised.stop()).toMatchObject({ accepted: 1, drained: [{ use: 'upgraded' }], forced: [] })
  expect((await closed).map(String)).toStrictEqual(['1001', 'back soon'])
})
