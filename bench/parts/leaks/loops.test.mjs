// What a test file does with sockets, timed from within, so that one file can be run with this detector and that one.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'

import { test } from 'vitest'

const CLIENTS = 10
const MESSAGES = 10
const message = Buffer.alloc(64, 'netgrace')
/** As many connections go to one address: each leaves its port waiting for a minute, and the next has to look for a free one. */
const CONNECTIONS_AN_ADDRESS = 1000
const ROUNDS = { echo: 200, connect: 10_000 }
const WARM_UP = 0.1
const scale = Number(process.env.NETGRACE_BENCH_SCALE)

test('loops of sockets', { timeout: 600_000 }, async () => {
  const total = Math.ceil((ROUNDS.echo * CLIENTS + ROUNDS.connect) * scale * (1 + WARM_UP))
  const servers = await Promise.all(Array.from({ length: Math.ceil(total / CONNECTIONS_AN_ADDRESS) }, listen))
  let connections = 0

  function next() {
    return servers[Math.floor(connections++ / CONNECTIONS_AN_ADDRESS)].address()
  }

  async function talk() {
    const socket = connect({ ...dialled(next()), noDelay: true })
    await once(socket, 'connect')
    for (let n = 0; n < MESSAGES; n++) {
      socket.write(message)
      await once(socket, 'data')
    }
    socket.end()
    await once(socket, 'close')
  }

  async function touch() {
    const socket = connect(dialled(next()))
    await once(socket, 'connect')
    socket.end().resume()
    await once(socket, 'close')
  }

  const echoMs = await timed(() => Promise.all(Array.from({ length: CLIENTS }, talk)), ROUNDS.echo * scale)
  const connectMs = await timed(touch, ROUNDS.connect * scale)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  writeFileSync(process.env.NETGRACE_BENCH_RESULT, JSON.stringify({ echoMs, connectMs }))
})

/** On an address of this process's own, as far as 16 bits can tell: the ports of the run before wait still. */
async function listen(_, n) {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket))
  server.listen(0, `127.${process.pid & 255}.${(process.pid >> 8) & 255}.${n + 1}`)
  await once(server, 'listening')
  return server
}

function dialled({ address, port }) {
  return { host: address, port }
}

/** How long `times` of it take, one after the other, once it is warm. Milliseconds. */
async function timed(act, times) {
  for (let n = 0; n < times * WARM_UP; n++) await act()
  const startedAt = performance.now()
  for (let n = 0; n < times; n++) await act()
  return performance.now() - startedAt
}
