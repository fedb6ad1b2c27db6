import type { Socket } from 'node:net'

/** Sends RST and drops the socket. One that never connected has nobody to reset. */
export function resetOrDestroy(socket: Socket): void {
  if (socket.destroyed) return
  if (socket.connecting) socket.destroy()
  else if (isShuttingDown(socket)) socket.once('finish', () => resetOrDestroy(socket))
  else socket.resetAndDestroy()
}

/** A reset in the moment between asking for the FIN and its going out fails with EINVAL, and the socket would never close (test/platform/closing.test.ts). */
function isShuttingDown(socket: Socket): boolean {
  return socket.writableEnded && !socket.writableFinished && socket.writableLength === 0
}
