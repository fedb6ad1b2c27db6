// The load: each connection sends one message and, whenever it has come back whole, the next.
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { answer } from '../harness/answer.mjs'
import { proxied } from './inside.mjs'

const scrap = Buffer.allocUnsafe(256 * 1024) // all read into it: what comes is counted, not looked at

/** @param ask what is sent, if it is not what comes back; `size` is that of the answer. */
async function run({ port, pid, connections, size, ask, warmMs, ms }) {
  const message = ask ? Buffer.from(ask) : Buffer.alloc(size, 'netgrace')
  let replies = 0
  const open = () => {
    let missing = size
    const socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: scrap,
        callback(bytes) {
          missing -= bytes
          if (missing === 0) {
            missing = size
            replies++
            socket.write(message)
          }
          return true
        },
      },
    })
    socket.on('error', () => {})
    return socket
  }
  const sockets = Array.from({ length: connections }, open)
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  for (const socket of sockets) socket.write(message)
  await sleep(warmMs)
  const before = { at: performance.now(), replies, serverCpu: cpuSeconds(pid), loadCpu: process.cpuUsage() }
  await sleep(ms)
  const seconds = (performance.now() - before.at) / 1000
  const done = replies - before.replies
  const serverSeconds = cpuSeconds(pid) - before.serverCpu
  const { user, system } = process.cpuUsage(before.loadCpu)
  const loadSeconds = (user + system) / 1e6
  const result = {
    perSecond: done / seconds,
    perCpuSecond: done / (serverSeconds + loadSeconds),
    serverMicros: (serverSeconds * 1e6) / done,
    loadMicros: (loadSeconds * 1e6) / done,
  }
  const gone = Promise.all(sockets.map((socket) => once(socket, 'close')))
  for (const socket of sockets) socket.destroy()
  await gone
  return result
}

/** What all threads of a process have computed so far. `NaN` where there is no /proc. */
function cpuSeconds(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    const nanos = threads.map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]))
    return nanos.reduce((sum, one) => sum + one, 0) / 1e9
  } catch {
    return NaN
  }
}

answer({ run, proxied })
