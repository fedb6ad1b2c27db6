// Odd on purpose.
/* oxlint-disable */
// Nothing here leaks, however much it looks so.
import { AsyncResource } from 'node:async_hooks'
import dgram from 'node:dgram'
import { lookup, Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'

export async function closedAndNotAwaited({ echo }) {
  const socket = net.connect(echo, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
}

export async function saidGoodbyeAndNotAwaited({ echo }) {
  const socket = net.connect(echo, '127.0.0.1').resume()
  await once(socket, 'connect')
  socket.end()
}

export function destroyedBeforeItStood({ echo }) {
  net.connect(echo, 'localhost').destroy()
}

export function aListenerThatIsClosedBeforeItListens() {
  net.createServer().listen(0, 'localhost').close()
}

export async function refused({ refusing }) {
  await new Promise((resolve) => net.connect(refusing, '127.0.0.1').on('error', resolve))
}

export async function refusedAtTwoAddresses({ refusing }) {
  const addresses = ['127.0.0.2', '127.0.0.3'].map((address) => ({ address, family: 4 }))
  const both = (host, options, done) => done(null, addresses)
  await new Promise((resolve) =>
    net.connect({ host: 'two.test', port: refusing, lookup: both, autoSelectFamily: true }).on('error', resolve),
  )
}

export async function aNameThatIsNotFound() {
  const missing = (host, options, done) => setTimeout(done, 1, new Error('ENOTFOUND'))
  await new Promise((resolve) => net.connect({ host: 'none.test', port: 1, lookup: missing }).on('error', resolve))
}

export async function aListenerWhoseAddressIsTaken({ echo }) {
  await new Promise((resolve) => net.createServer().listen(echo, '127.0.0.1').on('error', resolve))
}

export async function abortedBySignals({ silent }) {
  const abort = new AbortController()
  net.createServer().listen({ port: 0, host: '127.0.0.1', signal: abort.signal })
  const socket = net.connect({ port: silent, host: '127.0.0.1', signal: abort.signal }).on('error', () => {})
  await once(socket, 'connect')
  abort.abort()
}

export async function aServerWhoseLastClientEndsWithinTheSettlingTime({ keep }) {
  const server = net.createServer((socket) => socket.pipe(socket))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = keep(net.connect(server.address().port, '127.0.0.1').resume())
  await once(client, 'connect')
  server.close()
  setTimeout(() => client.end(), 40)
}

export async function cutByTheServer() {
  const server = net.createServer((socket) => socket.resetAndDestroy())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = net.connect(server.address().port, '127.0.0.1').on('error', () => {})
  await new Promise((resolve) => client.on('close', resolve))
  server.close()
}

export async function aSocketOfSomebodyElse({ kept, keep, echo }) {
  keep(net.createServer())
  for (const thing of kept) thing.close()
  await once(net.connect(echo, '127.0.0.1').end().resume(), 'close')
}

export async function aServerThatNeverListened() {
  net.createServer(() => {})
  tls.createServer({})
  new net.Socket().on('data', () => {})
}

export async function aHandshakeThatFails({ secure }) {
  await new Promise((resolve) => tls.connect({ port: secure, host: '127.0.0.1' }).on('error', resolve))
}

export async function aTlsConnectionThatIsClosedAndNotAwaited({ cert, key, ca }) {
  const server = tls.createServer({ cert, key }, (socket) => socket.on('error', () => {}).resume())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = tls.connect({ port: server.address().port, host: '127.0.0.1', ca }).resume()
  await once(client, 'secureConnect')
  client.end('bye')
  server.close()
}

export async function unixSocketsBothEnds({ folder }) {
  const server = net.createServer((socket) => socket.pipe(socket)).listen(`${folder}/own.sock`)
  await once(server, 'listening')
  net.connect(`${folder}/own.sock`).end('hello').resume()
  await once(server, 'connection')
  server.close()
}

export function datagramSocketsThatWereNeverBound() {
  for (let n = 0; n < 5; n++) dgram.createSocket('udp4')
}

export async function datagramSocketsThatClose({ udp }) {
  const abort = new AbortController()
  dgram.createSocket({ type: 'udp4', signal: abort.signal }).bind(0, '127.0.0.1')
  const socket = dgram.createSocket('udp4')
  await new Promise((resolve) => {
    socket.send('hello', udp, '127.0.0.1', () => socket.close(resolve))
  })
  abort.abort()
}

export async function namesThatWereLookedUp() {
  await lookup('localhost')
  const resolver = new Resolver({ timeout: 50, tries: 1 })
  resolver.setServers(['127.0.0.1:1'])
  await resolver.resolve4('none.test').catch(() => {})
}

export async function resourcesThatOnlySoundLikeSockets({ keep }) {
  for (const type of ['TCPWRAP', 'TCPSERVERWRAP', 'Timeout', 'FILEHANDLE', 'FSREQPROMISE', 'TCPCONNECTWRAP']) keep(new AsyncResource(type))
}
