// Floods whoever connects, or measures how quickly it is flooded: the two ends of a throughput measurement.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { answer } from '../harness/answer.mjs'

/** The first round trips load code in three processes. */
const WARM_UP = 20

const piece = Buffer.alloc(65_536, 'netgrace')

/** A server that writes as much as it can. */
async function listen() {
  const server = createServer({ noDelay: true }, (socket) => {
    const more = () => {
      while (socket.writable && socket.write(piece));
    }
    socket
      .on('error', () => {})
      .on('drain', more)
      .resume()
    more()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server.address().port
}

/** Bytes a second that come from `port`. */
async function drink({ port, warmMs, ms }) {
  let bytes = 0
  const buffer = Buffer.allocUnsafe(1024 * 1024)
  const socket = connect({
    host: '127.0.0.1',
    port,
    onread: {
      buffer,
      callback(count) {
        bytes += count
        return true
      },
    },
  })
  socket.on('error', () => {})
  await once(socket, 'connect')
  await sleep(warmMs)
  const [from, at] = [bytes, performance.now()]
  await sleep(ms)
  const bytesPerSecond = (bytes - from) / ((performance.now() - at) / 1000)
  socket.destroy()
  return bytesPerSecond
}

/** How much later than `ms` an answer comes: each of `count` round trips, one after the other. */
async function delays({ port, ms, count }) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  const late = []
  for (let n = -WARM_UP; n < count; n++) {
    const at = performance.now()
    socket.write('x')
    await once(socket, 'data')
    if (n >= 0) late.push(performance.now() - at - ms)
  }
  socket.destroy()
  return late.toSorted((a, b) => a - b)
}

answer({ listen, drink, delays })
