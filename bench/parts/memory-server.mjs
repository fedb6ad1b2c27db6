// A server whose heap is looked at; argv names which. Runs with --expose-gc.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'

import { Accepted } from '../harness/accepted.mjs'
import { answer, netgraceBuild } from '../harness/answer.mjs'

const accepted = new Accepted()

async function bare(serve) {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', ignore)
    serve(socket)
    accepted.one()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server.address().port
}

async function netgrace(handlerOf) {
  const library = await import(netgraceBuild)
  const handler = handlerOf(library)
  const server = await library.startServer((connection, quit) => {
    accepted.one()
    return handler(connection, quit)
  })
  return server.port
}

function ignore() {}

const variants = {
  socket: () => bare(ignore),
  pipe: () => bare((socket) => socket.pipe(socket)),
  silent: () => netgrace(({ handlers }) => handlers.silent()),
  echo: () => netgrace(({ handlers }) => handlers.echo()),
  iterate: () =>
    netgrace(() => async (connection) => {
      for await (const chunk of connection) await connection.send(chunk)
    }),
}

async function memory() {
  for (let n = 0; n < 4; n++) {
    await turn()
    gc()
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heapUsed, external, rss }
}

answer({ listen: variants[process.argv[2]], accepted: (count) => accepted.more(count), memory })
