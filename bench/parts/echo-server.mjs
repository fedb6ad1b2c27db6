// The echo servers that are compared; argv names one.
import { once } from 'node:events'
import { createServer } from 'node:net'

import { answer, netgraceBuild } from '../harness/answer.mjs'

const host = '127.0.0.1'

const variants = {
  async pipe() {
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    await once(server.listen(0, host), 'listening')
    return server.address().port
  },
  async echo() {
    const { startEchoServer } = await import(netgraceBuild)
    return (await startEchoServer()).port
  },
  async iterate() {
    const { startServer } = await import(netgraceBuild)
    const server = await startServer(async (connection) => {
      for await (const chunk of connection) await connection.send(chunk)
    })
    return server.port
  },
  async iterateWithoutAwaiting() {
    const { startServer } = await import(netgraceBuild)
    const server = await startServer(async (connection) => {
      for await (const chunk of connection) connection.send(chunk).catch(() => {})
    })
    return server.port
  },
}

answer({ listen: variants[process.argv[2]] })
