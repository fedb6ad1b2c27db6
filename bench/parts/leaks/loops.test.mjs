// What a test file does with sockets, timed from within, so that one file can be run with this detector and that one.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'

import { test } from 'vitest'

const CLIENTS = 10
const MESSAGES = 10
const message = Buffer.alloc(64, 'netgrace')
const scale = Number(process.env.NETGRACE_BENCH_SCALE)

test('loops of sockets', { timeout: 600_000 }, async () => {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()

  async function talk() {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    for (let n = 0; n < MESSAGES; n++) {
      socket.write(message)
      await once(socket, 'data')
    }
    socket.end()
    await once(socket, 'close')
  }

  async function touch() {
    const socket = connect({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    socket.end().resume()
    await once(socket, 'close')
  }

  const echoMs = await timed(() => Promise.all(Array.from({ length: CLIENTS }, talk)), 200 * scale)
  const connectMs = await timed(touch, 10_000 * scale)
  server.close()
  await once(server, 'close')
  writeFileSync(process.env.NETGRACE_BENCH_RESULT, JSON.stringify({ echoMs, connectMs }))
})

/** How long `times` of it take, one after the other, once it is warm. Milliseconds. */
async function timed(act, times) {
  for (let n = 0; n < times / 10; n++) await act()
  const startedAt = performance.now()
  for (let n = 0; n < times; n++) await act()
  return performance.now() - startedAt
}
