// Odd on purpose.
/* oxlint-disable */
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import * as undici from 'undici'

export async function aTlsClient({ secure, ca }) {
  const socket = tls.connect({ port: secure, host: '127.0.0.1', ca }) //! tcp-socket
  await once(socket, 'secureConnect')
}

export async function aPlainSocketThatWasMadeSecure({ secure, ca }) {
  const plain = net.connect(secure, '127.0.0.1') //! tcp-socket
  await once(plain, 'connect')
  await once(tls.connect({ socket: plain, ca, host: '127.0.0.1' }), 'secureConnect')
}

export async function aTlsServer({ cert, key }) {
  const server = tls.createServer({ cert, key })
  server.listen(0, '127.0.0.1') //! tcp-listener
  await once(server, 'listening')
}

export async function bothEndsOfATlsConnection({ cert, key, ca, keep }) {
  const server = tls.createServer({ cert, key }, keep)
  server.listen(0, '127.0.0.1') //! tcp-socket
  await once(server, 'listening')
  keep(tls.connect({ port: server.address().port, host: '127.0.0.1', ca })) //! tcp-socket
  await once(server, 'secureConnection')
  server.close()
}

export async function anHttpServer() {
  await once(http.createServer().listen(0, '127.0.0.1'), 'listening') //! tcp-listener
}

export async function anAgentThatIsNotDestroyed({ http: url }) {
  const agent = new http.Agent({ keepAlive: true })
  await new Promise((resolve) => {
    http.get(url, { agent }, (response) => response.resume().on('end', resolve)) //! tcp-socket
  })
}

export async function anUndiciAgentThatIsNotClosed({ http: url }) {
  const dispatcher = new undici.Agent()
  await (await undici.request(url, { dispatcher })).body.text() //! tcp-socket
}

export async function anAgentWhoseSocketWasUsedAgain({ http: url }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const first = http.request(url, { agent }) //! tcp-socket
  first.end()
  const [response] = await once(first, 'response')
  await once(response.resume(), 'end')
  await new Promise(setImmediate)
  await new Promise((resolve) => {
    http.get(url, { agent }, (again) => again.resume().on('end', resolve))
  })
}

export async function anHttpsAgentThatIsNotDestroyed({ https: url, ca }) {
  const agent = new https.Agent({ keepAlive: true, ca })
  await new Promise((resolve) => {
    https.get(url, { agent }, (response) => response.resume().on('end', resolve)) //! tcp-socket
  })
}

export async function aResponseThatNobodyReads({ http: url }) {
  await new Promise((resolve) => {
    http.get(`${url}/endless`, { agent: false }, resolve) //! tcp-socket
  })
}

export async function aFetchWhoseBodyNobodyReads({ http: url, keep }) {
  keep(await fetch(`${url}/endless`)) //! tcp-socket
}

export async function anHttp2SessionThatIsNotClosed({ http2: url }) {
  const session = http2.connect(url) //! tcp-socket
  await once(session, 'connect')
}

export async function anHttp2SessionOfAServerThatIsGone({ keep }) {
  const server = http2.createServer()
  server.on('session', keep)
  server.listen(0, '127.0.0.1') //! tcp-socket
  await once(server, 'listening')
  const session = http2.connect(`http://127.0.0.1:${server.address().port}`) //! tcp-socket
  session.request({ ':path': '/never-answered' }).end()
  await once(server, 'stream')
  keep(session)
  server.close()
}

export async function aSocketThatWasUpgraded({ keep }) {
  const server = http.createServer()
  server.on('upgrade', (request, socket) => {
    keep(socket)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
  })
  server.listen(0, '127.0.0.1') //! tcp-socket
  await once(server, 'listening')
  const headers = { connection: 'upgrade', upgrade: 'x' }
  const request = http.request({ port: server.address().port, host: '127.0.0.1', headers }) //! tcp-socket
  request.end()
  const [, socket] = await once(request, 'upgrade')
  keep(socket)
  server.close()
}

export async function aTimerBehindTheDataOfAnUpgradedSocket() {
  let rang
  const opened = new Promise((resolve) => (rang = resolve))
  const server = http.createServer()
  server.on('upgrade', (request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
    socket.on('data', async () => rang((await null, setInterval(() => {}, 1e6)))) //! timer
    socket.on('end', () => socket.end())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const headers = { connection: 'upgrade', upgrade: 'x' }
  const request = http.request({ port: server.address().port, host: '127.0.0.1', headers, agent: false })
  request.end()
  const [, socket] = await once(request, 'upgrade')
  socket.resume().end('x')
  await Promise.all([opened, once(socket, 'close')])
  server.close()
}

export async function aTimerBehindTheBodyOfARequest({ cert, key, ca }) {
  let rang
  const opened = new Promise((resolve) => (rang = resolve))
  const server = https.createServer({ cert, key }, (request, response) => {
    request.on('data', async () => rang((await null, setInterval(() => {}, 1e6)))) //! timer
    request.on('end', () => response.end())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const request = https.request({
    port: server.address().port,
    host: '127.0.0.1',
    method: 'POST',
    agent: false,
    ca,
    servername: 'localhost',
  })
  request.end('x')
  const [response] = await once(request, 'response')
  response.resume()
  await Promise.all([opened, once(response, 'end')])
  server.close()
}

export async function timersOfWhoeverTakesASocketOver() {
  const headers = { connection: 'upgrade', upgrade: 'x' }
  for (const [event, asked, answer] of [
    ['upgrade', { headers }, '101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x'],
    ['connect', { method: 'CONNECT', path: 'a.test:1' }, '200 OK'],
  ]) {
    const server = http.createServer()
    server.on(event, async (request, socket) => {
      setInterval(() => {}, 1e6) //! timer timer
      await null
      setInterval(() => {}, 1e6) //! timer timer
      socket.resume().end(`HTTP/1.1 ${answer}\r\n\r\n`)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const request = http.request({ port: server.address().port, host: '127.0.0.1', agent: false, ...asked })
    request.end()
    const [, socket] = await once(request, event)
    socket.resume().end()
    await once(socket, 'close')
    server.close()
  }
}
