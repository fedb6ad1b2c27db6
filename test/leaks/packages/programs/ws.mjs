import { once } from 'node:events'
import { WebSocket, WebSocketServer } from 'ws'

const echo = (socket) => void socket.on('error', () => {}).on('message', (data) => socket.send(data))

async function ask(socket) {
  await once(socket, 'open')
  socket.send('something')
  await once(socket, 'message')
}

export async function clientAndServerThatClose() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 }).on('connection', echo)
  await once(server, 'listening')
  const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`)
  await ask(socket)
  socket.close()
  await once(socket, 'close')
  server.close()
}

export async function terminatedWithAHeartbeatThatIsCleared() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 }).on('connection', echo)
  await once(server, 'listening')
  const heartbeat = setInterval(() => server.clients.forEach((client) => client.ping()), 10)
  server.on('close', () => clearInterval(heartbeat))
  const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`)
  await ask(socket)
  for (const client of server.clients) client.terminate()
  server.close()
}

export async function refused({ refusing }) {
  const socket = new WebSocket(`ws://127.0.0.1:${refusing}`, { handshakeTimeout: 60_000 })
  await once(socket, 'error')
}

export async function serverThatClosesItsListenerAlone() {
  // `close()` leaves the clients connected, as its documentation says.
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 }).on('connection', echo) //! tcp-socket
  await once(server, 'listening')
  const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`) //! tcp-socket
  await ask(socket)
  server.close()
}

export async function heartbeatThatIsNotCleared() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  setInterval(() => server.clients.forEach((client) => client.ping()), 30_000) //! timer
  server.close()
}

export async function heartbeatPerConnectionThatIsNotCleared() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  server.on('connection', (socket) => {
    setInterval(() => socket.ping(), 30_000) //! timer
    socket.on('message', (data) => {
      setImmediate(() => {
        setInterval(() => socket.send(data), 30_000) //! timer
        socket.close()
      })
    })
  })
  await once(server, 'listening')
  const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`)
  socket.on('open', () => socket.send('something'))
  await once(socket, 'close')
  server.close()
}

export async function closeThatThePeerNeverAnswers({ silent }) {
  new WebSocket(`ws://127.0.0.1:${silent}`, { handshakeTimeout: 60_000 }).on('error', () => {}) //! tcp-socket
}
