// Many clients that stay, in a process of their own, so that the server's process holds the servers' ends only.
import { once } from 'node:events'
import { connect } from 'node:net'

import { answer } from '../harness/answer.mjs'

const sockets = new Set()

/** Opens `count` connections at once: no more than a backlog holds. With `message`, each sends it and waits until it has come back. */
async function open(port, count, message) {
  await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true })
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
      sockets.add(socket)
      await once(socket, 'connect')
      if (message) {
        socket.write(message)
        await once(socket, 'data')
      }
      socket.resume()
    }),
  )
}

/** Closes all, and resolves when they are gone. */
async function close() {
  const gone = [...sockets].map((socket) => once(socket, 'close'))
  for (const socket of sockets) socket.destroy()
  await Promise.all(gone)
}

answer({ open, close })
