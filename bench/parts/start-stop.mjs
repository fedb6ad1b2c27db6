// Opens and closes a server many times; argv names which.
import { once } from 'node:events'
import { createServer } from 'node:net'

import { answer, netgraceBuild } from '../harness/answer.mjs'

const { startEchoServer } = await import(netgraceBuild)

const variants = {
  async bare() {
    const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    await new Promise((resolve) => {
      server.close(resolve)
    })
  },
  async netgrace() {
    const server = await startEchoServer()
    await server.stop()
  },
}

/** Microseconds for one start and stop: the median of `times`. */
async function time(variant, times) {
  const each = []
  for (let n = 0; n < times; n++) {
    const before = performance.now()
    await variants[variant]()
    each.push((performance.now() - before) * 1000)
  }
  return each.toSorted((a, b) => a - b)[Math.floor(times / 2)]
}

answer({ time })
