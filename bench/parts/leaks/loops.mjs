import { once } from 'node:events'
import { connect, createServer } from 'node:net'

const CLIENTS = 10
const MESSAGES = 10
const message = Buffer.alloc(64, 'netgrace')
/** As many connections go to one address: each leaves its port waiting for a minute, and the next has to look for a free one. */
const CONNECTIONS_AN_ADDRESS = 1000

/** What both loops dial: echo servers for so many connections. Whoever opens them closes them. */
export async function openLoops(connections) {
  const servers = await Promise.all(Array.from({ length: Math.ceil(connections / CONNECTIONS_AN_ADDRESS) }, listen))
  let dialled = 0

  function dial(options) {
    const { address, port } = servers[Math.floor(dialled++ / CONNECTIONS_AN_ADDRESS)].address()
    return connect({ host: address, port, ...options })
  }

  async function talk() {
    const socket = dial({ noDelay: true })
    await once(socket, 'connect')
    for (let n = 0; n < MESSAGES; n++) {
      socket.write(message)
      await once(socket, 'data')
    }
    socket.end()
    await once(socket, 'close')
  }

  return {
    echo: { connections: CLIENTS, run: () => Promise.all(Array.from({ length: CLIENTS }, talk)) },
    connect: {
      connections: 1,
      async run() {
        const socket = dial()
        await once(socket, 'connect')
        socket.end().resume()
        await once(socket, 'close')
      },
    },
    close: () => Promise.all(servers.map((server) => once(server.close(), 'close'))),
  }
}

/** On an address of this process's own, as far as 16 bits can tell: the ports of the run before wait still. */
async function listen(_, n) {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket))
  server.listen(0, `127.${process.pid & 255}.${(process.pid >> 8) & 255}.${n + 1}`)
  await once(server, 'listening')
  return server
}

/** Milliseconds of so many, one after the other. */
export async function timed(act, times) {
  const startedAt = performance.now()
  for (let n = 0; n < times; n++) await act()
  return performance.now() - startedAt
}
