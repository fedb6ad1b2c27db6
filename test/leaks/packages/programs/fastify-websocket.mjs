import websocket from '@fastify/websocket'
import fastify from 'fastify'

async function start() {
  const server = fastify()
  await server.register(websocket)
  server.get('/', { websocket: true }, (socket) => socket.on('message', () => socket.send('hi from server')))
  await server.ready()
  return server
}

export async function injected() {
  const server = await start()
  const socket = await server.injectWS('/')
  socket.terminate()
  await server.close()
}

export async function serverThatClosesFirst() {
  const { WebSocket } = await import('ws')
  const server = await start()
  const address = await server.listen({ port: 0, host: '127.0.0.1' })
  const socket = new WebSocket(address.replace('http', 'ws'))
  await new Promise((resolve) => socket.once('open', resolve))
  await server.close()
}

export async function leftOpen() {
  const { WebSocket } = await import('ws')
  const server = await start()
  const address = await server.listen({ port: 0, host: '127.0.0.1' }) //! tcp-listener tcp-socket
  const socket = new WebSocket(address.replace('http', 'ws')) //! tcp-socket
  await new Promise((resolve) => socket.once('open', resolve))
}
