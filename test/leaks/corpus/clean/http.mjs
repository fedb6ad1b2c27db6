// Odd on purpose.
/* oxlint-disable */
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import * as undici from 'undici'

const get = (client, url, options) =>
  new Promise((resolve, reject) => client.get(url, options, (response) => response.resume().on('end', resolve)).on('error', reject))

export async function aFetchWhoseBodyIsDrained({ http: url }) {
  await (await fetch(url)).text()
}

export async function tenFetchesAtOnce({ http: url }) {
  await Promise.all(Array.from({ length: 10 }, async (_, n) => (await fetch(`${url}/${n}`)).arrayBuffer()))
}

export async function aFetchWhoseBodyIsCancelled({ http: url }) {
  const response = await fetch(`${url}/endless`)
  await response.body.cancel()
}

export async function aFetchThatIsAborted({ http: url }) {
  const abort = new AbortController()
  const response = await fetch(`${url}/endless`, { signal: abort.signal })
  abort.abort()
  await response.text().catch(() => {})
}

export async function aFetchThatTimesOut({ silent }) {
  await fetch(`http://127.0.0.1:${silent}`, { signal: AbortSignal.timeout(20) }).catch(() => {})
}

export async function aFetchThatIsRefused() {
  await fetch('http://127.0.0.1:1').catch(() => {})
  await fetch('http://localhost:1').catch(() => {})
}

export async function aFetchOfAServerThatCloses() {
  const server = http.createServer((request, response) => response.end('hello'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  await (await fetch(`http://127.0.0.1:${server.address().port}`)).text()
  server.close()
}

export async function theGlobalAgent({ http: url }) {
  await get(http, url)
  await get(http, url)
}

export async function theGlobalAgentOfHttps({ https: url, ca }) {
  await get(https, url, { ca })
}

export async function theGlobalDispatcherOfThePackageUndici({ http: url }) {
  await (await undici.request(url)).body.text()
  await Promise.all([1, 2, 3].map(async (n) => (await undici.fetch(`${url}/${n}`)).text()))
}

export async function anUndiciAgentThatIsClosed({ http: url }) {
  const dispatcher = new undici.Agent()
  await (await undici.request(url, { dispatcher })).body.text()
  await dispatcher.close()
}

export async function anAgentThatIsDestroyed({ http: url }) {
  const agent = new http.Agent({ keepAlive: true })
  await get(http, url, { agent })
  agent.destroy()
}

export async function anHttpsAgentThatIsDestroyed({ https: url, ca }) {
  const agent = new https.Agent({ keepAlive: true, ca })
  await get(https, url, { agent })
  await get(https, url, { agent })
  agent.destroy()
}

export async function aSocketThatAnAgentHadBefore({ http: url, agent }) {
  await get(http, url, { agent })
}

export async function aRequestWithoutAnAgent({ http: url }) {
  await get(http, url, { agent: false })
}

export async function aRequestThatIsDestroyed({ http: url, silent }) {
  http.get(`${url}/endless`, { agent: false }, (response) => response.destroy()).on('error', () => {})
  const request = http.get(`http://127.0.0.1:${silent}`, { agent: false }).on('error', () => {})
  await once(request, 'socket')
  request.destroy()
}

export async function aServerThatCloses() {
  const server = http.createServer((request, response) => response.end('hello'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  await get(http, `http://127.0.0.1:${server.address().port}`, { agent: false })
  server.close()
}

export async function aServerThatClosesAllItsConnections() {
  const server = http.createServer(() => {})
  await once(server.listen(0, '127.0.0.1'), 'listening')
  http.get(`http://127.0.0.1:${server.address().port}`).on('error', () => {})
  await once(server, 'request')
  server.close()
  server.closeAllConnections()
}

export async function anHttp2SessionThatIsClosed({ http2: url }) {
  const session = http2.connect(url)
  const request = session.request({ ':path': '/' })
  await once(request.resume(), 'end')
  session.close()
}

export async function anHttp2SessionThatIsDestroyed() {
  const server = http2.createServer((request, response) => response.end('hello'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const session = http2.connect(`http://127.0.0.1:${server.address().port}`)
  await once(session, 'remoteSettings')
  session.destroy()
  server.close()
}

export async function aSocketThatWasUpgradedAndClosed() {
  const server = http.createServer()
  server.on('upgrade', (request, socket) => {
    socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const headers = { connection: 'upgrade', upgrade: 'x' }
  const request = http.request({ port: server.address().port, host: '127.0.0.1', headers })
  request.end()
  const [, socket] = await once(request, 'upgrade')
  socket.end()
  server.close()
}
