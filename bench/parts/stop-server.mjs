// A server that is stopped with thousands of live sockets, and how long that holds its event loop; argv names which.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'

import { Accepted } from '../harness/accepted.mjs'
import { answer, netgraceBuild } from '../harness/answer.mjs'
import { HoldProbe } from '../harness/hold-probe.mjs'

const accepted = new Accepted()
let stop

const variants = {
  async destroy() {
    const sockets = new Set()
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
      sockets.add(socket)
      accepted.one()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    stop = () =>
      new Promise((resolve) => {
        server.close(() => resolve({ destroyed: 'all' }))
        for (const socket of sockets) socket.destroy()
      })
    return server.address().port
  },
  drained: () => netgrace(({ handlers }) => handlers.echo(), { graceMs: 30_000 }),
  forced: () =>
    netgrace(
      () =>
        ({ socket }) =>
          once(socket, 'close'),
      { graceMs: 0 },
    ),
}

async function netgrace(handlerOf, { graceMs }) {
  const library = await import(netgraceBuild)
  const handler = handlerOf(library)
  const server = await library.startServer((connection, quit) => {
    accepted.one()
    return handler(connection, quit)
  })
  stop = async () => {
    const { drained, forced, unsettled, errors } = await server.stop({ graceMs })
    return { drained: drained.length, forced: forced.length, unsettled: unsettled.length, errors: errors.length }
  }
  return server.port
}

async function stopped() {
  await turn()
  const probe = new HoldProbe()
  await turn()
  const before = performance.now()
  const report = await stop()
  const tookMs = performance.now() - before
  return { hold: await probe.end(), tookMs, report }
}

answer({ listen: variants[process.argv[2]], accepted: (count) => accepted.more(count), stopped })
