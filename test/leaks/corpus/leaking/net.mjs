// Odd on purpose.
/* oxlint-disable */
// Each line that ends in `//! kind` opens a handle of that kind that stays open.
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export async function aClientNeverClosed({ echo }) {
  const socket = net.connect(echo, '127.0.0.1') //! tcp-socket
  await once(socket, 'connect')
}

export async function aClientBehindSeveralAwaits({ echo }) {
  await delay(1)
  await new Promise(setImmediate)
  await null
  await once(net.connect(echo, '127.0.0.1'), 'connect') //! tcp-socket
}

export async function clientsInPromiseAll({ echo }) {
  const dial = async () => {
    await delay(2)
    return once(net.connect(echo, '127.0.0.1'), 'connect') //! tcp-socket tcp-socket tcp-socket
  }
  await Promise.all([dial(), dial(), dial()])
}

export async function aClientThatSaidGoodbyeToASilentPeer({ silent }) {
  const socket = net.connect(silent, '127.0.0.1') //! tcp-socket
  await once(socket, 'connect')
  socket.end('bye')
  await once(socket, 'finish')
}

export async function aPausedClientThatNeverReadsTheEnd({ greeting }) {
  const socket = net.connect(greeting, '127.0.0.1') //! tcp-socket
  await once(socket, 'readable')
}

export async function aClientThatIsUnref({ echo }) {
  const socket = net.connect(echo, '127.0.0.1').unref() //! tcp-socket
  await once(socket, 'connect')
}

export async function aClientWithATimeoutThatNobodyObeys({ silent }) {
  const socket = net.connect(silent, '127.0.0.1') //! tcp-socket
  socket.setTimeout(10)
  await once(socket, 'timeout')
}

export async function aClientByNewSocket({ echo }) {
  const socket = new net.Socket()
  socket.connect(echo, '127.0.0.1') //! tcp-socket
  await once(socket, 'connect')
}

export async function aClientAtItsThirdAddress({ echo }) {
  const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.1'].map((address) => ({ address, family: 4 }))
  const lookup = (host, options, done) => setTimeout(done, 1, null, addresses)
  const socket = net.connect({ host: 'three.test', port: echo, autoSelectFamily: true, lookup }) //! tcp-socket
  await once(socket, 'connect')
}

export async function aClientThatDialsAgainAfterAnError({ echo, refusing }) {
  await new Promise((resolve) => {
    net.connect(refusing, '127.0.0.1').on('error', () => {
      setTimeout(() => {
        net.connect(echo, '127.0.0.1', resolve) //! tcp-socket
      }, 5)
    })
  })
}

export async function aClientFromAMicrotask({ echo }) {
  await new Promise((resolve) => {
    queueMicrotask(() => {
      process.nextTick(() => net.connect(echo, '127.0.0.1', resolve)) //! tcp-socket
    })
  })
}

export async function aClientThatOpensLaterThanItsCaller({ echo }) {
  setTimeout(() => net.connect(echo, '127.0.0.1').unref(), 60).unref() //! tcp-socket
  const keep = setInterval(() => {}, 10)
  setTimeout(() => clearInterval(keep), 200)
}

export async function aListener() {
  await once(net.createServer().listen(0), 'listening') //! tcp-listener
}

export async function aListenerWithAHost() {
  const server = net.createServer()
  server.listen(0, 'localhost') //! tcp-listener
  await once(server, 'listening')
}

export async function aListenerThatIsUnref() {
  const server = net.createServer().unref()
  server.listen({ port: 0, host: '127.0.0.1' }) //! tcp-listener
  await once(server, 'listening')
}

export async function anAcceptedSocketBehindAClosedListener({ keep }) {
  const server = net.createServer((socket) => keep(socket))
  server.listen(0, '127.0.0.1') //! tcp-socket
  await once(server, 'listening')
  const socket = net.connect(server.address().port, '127.0.0.1') //! tcp-socket
  await once(server, 'connection')
  server.close()
  keep(socket)
}

export async function aSocketOpenedInAConnectionHandler({ echo, keep }) {
  const server = net.createServer((socket) => {
    keep(net.connect(echo, '127.0.0.1', () => socket.destroy())) //! tcp-socket
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const socket = net.connect(server.address().port, '127.0.0.1')
  await once(socket, 'close')
  server.close()
}

export async function aSocketOpenedInADataHandler({ echo, keep }) {
  const server = net.createServer((socket) => {
    socket.once('data', () => {
      keep(net.connect(echo, '127.0.0.1').on('connect', () => socket.destroy())) //! tcp-socket
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = net.connect(server.address().port, '127.0.0.1').on('error', () => {})
  client.resume().write('x')
  await once(client, 'close')
  server.close()
}

/** Each way out of the turn in which a handler of an accepted socket was called. */
const laters = [async (act) => (await null, act()), (act) => process.nextTick(act), (act) => setImmediate(act), (act) => setTimeout(act, 1)]

export async function timersBehindTheDataHandlerOfAnAcceptedSocket() {
  for (const later of laters) {
    let rang
    const opened = new Promise((resolve) => (rang = resolve))
    const ring = () => rang(setInterval(() => {}, 1e6)) //! timer timer timer timer
    const server = net.createServer((socket) => socket.on('data', () => later(ring)))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const client = net.connect(server.address().port, '127.0.0.1')
    client.resume().end('x')
    await Promise.all([opened, once(client, 'close')])
    server.close()
  }
}

export async function timersBehindTheLastEventsOfAnAcceptedSocket({ folder }) {
  for (const event of ['end', 'close']) {
    let rang
    const opened = new Promise((resolve) => (rang = resolve))
    const ring = async () => rang((await null, setInterval(() => {}, 1e6))) //! timer timer
    const server = net.createServer((socket) => socket.resume().on(event, ring)).listen(`${folder}/${event}.sock`)
    await once(server, 'listening')
    const client = net.connect(`${folder}/${event}.sock`)
    client.resume().end('x')
    await Promise.all([opened, once(client, 'close')])
    server.close()
  }
}

export async function aUnixClient({ path }) {
  await once(net.connect(path), 'connect') //! unix-socket
}

export async function aUnixListener({ folder }) {
  await once(net.createServer().listen(`${folder}/own.sock`), 'listening') //! unix-listener
}

export async function aUnixSocketThatWasAccepted({ folder, keep }) {
  const server = net.createServer((socket) => keep(socket))
  server.listen(`${folder}/own.sock`) //! unix-socket
  await once(server, 'listening')
  keep(net.connect(`${folder}/own.sock`)) //! unix-socket
  await once(server, 'connection')
  server.close()
}

export async function aSocketFromAClassMember({ echo }) {
  class Gateway {
    #socket
    static async open(port) {
      const gateway = new Gateway()
      await gateway.#dial(port)
      return gateway
    }
    async #dial(port) {
      this.#socket = net.connect(port, '127.0.0.1') //! tcp-socket
      await once(this.#socket, 'connect')
    }
  }
  await Gateway.open(echo)
}

export async function aSocketThatWasDroppedForTheGarbageCollector({ silent }) {
  await once(net.connect(silent, '127.0.0.1'), 'connect') //! tcp-socket
  for (let n = 0; n < 100; n++) Buffer.alloc(1 << 20)
}

export function aListenerThatNobodyWaitedFor() {
  net.createServer().listen(0, '127.0.0.1') //! tcp-listener
}
