import type { Socket } from 'node:net'

import { isTcp } from './handle.ts'

/**
 * Sends RST and drops the socket; `raw` is the TCP socket below a TLS one.
 * One that never connected has nobody to reset, and a unix socket has no RST: they are just dropped.
 */
export function resetOrDestroy(socket: Socket, raw: Socket = socket): void {
  if (socket.destroyed) return
  if (raw.connecting || !isTcp(raw)) socket.destroy()
  else if (isShuttingDown(socket)) socket.once('finish', () => resetOrDestroy(socket, raw))
  else raw.resetAndDestroy()
}

/** A reset in the moment between asking for the FIN and its going out fails with EINVAL, and the socket would never close (test/platform/closing.test.ts). */
function isShuttingDown(socket: Socket): boolean {
  return socket.writableEnded && !socket.writableFinished && socket.writableLength === 0
}
