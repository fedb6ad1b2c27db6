import { once } from 'node:events'
import { Agent, Client, fetch, getGlobalDispatcher, Pool, request, WebSocket } from 'undici'
import { WebSocketServer } from 'ws'

export async function clientThatCloses({ url }) {
  const client = new Client(url)
  const { body } = await client.request({ path: '/', method: 'GET' })
  await body.text()
  await client.close()
}

export async function poolThatIsDestroyed({ url }) {
  const pool = new Pool(url, { connections: 2 })
  await Promise.all(['/1', '/2', '/3'].map(async (path) => (await pool.request({ path, method: 'GET' })).body.text()))
  await pool.destroy()
}

export async function requestOverTheGlobalDispatcher({ url }) {
  const { body } = await request(url)
  await body.text()
}

export async function fetchOverTheGlobalDispatcher({ url }) {
  await (await fetch(url)).text()
  await (await fetch(url)).text()
}

export async function globalDispatcherThatIsClosed({ url }) {
  await (await fetch(url)).text()
  await getGlobalDispatcher().close()
}

export async function requestThatTimesOut({ silent }) {
  const agent = new Agent({ headersTimeout: 20 })
  await request(`http://127.0.0.1:${silent}`, { dispatcher: agent }).catch(() => {})
  await agent.close()
}

export async function webSocketThatCloses() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`)
  await once(socket, 'open')
  const closed = once(socket, 'close')
  socket.close()
  await closed
  server.close()
}

export async function clientThatStaysOpen({ url }) {
  const client = new Client(url)
  const { body } = await client.request({ path: '/', method: 'GET' }) //! tcp-socket
  await body.text()
}

export async function agentThatStaysOpen({ url }) {
  const dispatcher = new Agent({ keepAliveTimeout: 60_000 })
  await (await fetch(url, { dispatcher })).text() //! tcp-socket
}

export async function bodyThatIsNotRead() {
  const { createServer } = await import('node:http')
  const server = createServer((_, response) => void response.write('x'.repeat(1_000_000)))
  await once(server.listen(0, '127.0.0.1'), 'listening') //! tcp-listener tcp-socket
  await request(`http://127.0.0.1:${server.address().port}`) //! tcp-socket
}
