import { once } from 'node:events'
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'

const echo = (socket) => socket.on('echo', (text, answer) => answer(text))

async function listening() {
  const web = createServer()
  const server = new Server(web)
  server.on('connection', echo)
  web.listen(0, '127.0.0.1')
  await once(web, 'listening')
  return { server, address: `http://127.0.0.1:${web.address().port}` }
}

export async function clientAndServerThatClose() {
  const { server, address } = await listening()
  const client = io(address, { forceNew: true })
  await client.emitWithAck('echo', 'hello')
  client.close()
  await server.close()
}

export async function webSocketsAlone() {
  const { server, address } = await listening()
  const client = io(address, { transports: ['websocket'], forceNew: true })
  await client.emitWithAck('echo', 'hello')
  client.disconnect()
  await server.close()
}

export async function serverThatClosesFirst() {
  const { server, address } = await listening()
  const client = io(address, { forceNew: true, reconnection: false })
  await client.emitWithAck('echo', 'hello')
  await server.close()
}

export async function clientThatReconnectsToAClosedServer() {
  const { server, address } = await listening()
  const client = io(address, { forceNew: true, reconnectionDelay: 60_000 }) //! timer:socket.io-client
  await client.emitWithAck('echo', 'hello')
  await server.close()
}

export async function clientAndServerThatStay() {
  const web = createServer()
  const server = new Server(web) //! timer:engine.io
  server.on('connection', echo)
  web.listen(0, '127.0.0.1') //! tcp-listener tcp-socket
  await once(web, 'listening')
  // Each end has its timer for the pings of the other.
  const client = io(`http://127.0.0.1:${web.address().port}`, { transports: ['websocket'], forceNew: true }) //! tcp-socket timer:engine.io-client
  await client.emitWithAck('echo', 'hello')
}
