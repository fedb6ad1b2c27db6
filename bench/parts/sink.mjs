// Floods whoever connects, or measures how quickly it is flooded: the two ends of a throughput measurement.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { answer } from '../harness/answer.mjs'
import { proxied } from './inside.mjs'

/** The first round trips load code in three processes. */
const WARM_UP = 20

const piece = Buffer.alloc(65_536, 'netgrace')

let arrived = 0

/** A server that writes as much as it can, or reads as much as comes. */
async function listen() {
  const server = createServer({ noDelay: true }, process.argv[2] === 'swallow' ? swallow : flood)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server.address().port
}

function flood(socket) {
  const more = () => {
    while (socket.writable && socket.write(piece));
  }
  socket
    .on('error', () => {})
    .on('drain', more)
    .resume()
  more()
}

function swallow(socket) {
  socket.on('error', () => {}).on('data', ({ length }) => (arrived += length))
}

async function drink(port) {
  const buffer = Buffer.allocUnsafe(1024 * 1024)
  const callback = (length) => {
    arrived += length
    return true
  }
  const socket = connect({ host: '127.0.0.1', port, onread: { buffer, callback } })
  await once(
    socket.on('error', () => {}),
    'connect',
  )
}

async function pour(port) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  flood(socket)
}

/** Of what arrives here, for so long from now. */
async function bytesPerSecond(ms) {
  const [from, at] = [arrived, performance.now()]
  await sleep(ms)
  return (arrived - from) / ((performance.now() - at) / 1000)
}

/** Milliseconds of each of `count` round trips, one after the other, or with a pause before each. */
async function roundTrips({ port, pauseMs, count }) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  const took = []
  for (let n = -WARM_UP; n < count; n++) {
    if (pauseMs) await sleep(pauseMs)
    const at = performance.now()
    socket.write('x')
    await once(socket, 'data')
    if (n >= 0) took.push(performance.now() - at)
  }
  socket.destroy()
  return took
}

answer({ listen, proxied, drink, pour, bytesPerSecond, roundTrips })
