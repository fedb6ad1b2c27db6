import type { Socket } from 'node:net'

import { clearTimer, setTimer } from '../lifetime/timers.ts'
import { isTcp, socketBelow } from './handle.ts'

/** How long a FIN that is on its way may put a reset off. Over TLS it can wait for a peer that does not read. Milliseconds. */
const FIN_WITHIN_MS = 20

/**
 * Sends RST and drops the socket; `raw` is the TCP socket below a TLS one. Never throws.
 *
 * A socket that never connected has no peer to reset, and a unix socket has no RST, nor has TLS over one: they are dropped.
 */
export function resetOrDestroy(socket: Socket, raw: Socket = socketBelow(socket)): void {
  if (socket.destroyed) return
  if (raw.connecting || !isTcp(raw)) socket.destroy()
  else if (isShuttingDown(socket)) resetOnceFinIsOut(socket, raw)
  else reset(socket, raw)
}

function reset(socket: Socket, raw: Socket): void {
  try {
    raw.resetAndDestroy()
  } catch {
    socket.destroy() // the handle is of a kind that has no RST
  }
}

/** A reset in the moment between asking for the FIN and its going out fails with EINVAL, and the socket would never close (test/platform/closing.test.ts). */
function isShuttingDown(socket: Socket): boolean {
  return socket.writableEnded && !socket.writableFinished && socket.writableLength === 0
}

function resetOnceFinIsOut(socket: Socket, raw: Socket): void {
  const bound = setTimer(() => {
    socket.off('finish', finished)
    socket.destroy()
  }, FIN_WITHIN_MS)
  const finished = (): void => resetOrDestroy(socket, raw)
  socket.once('finish', finished)
  socket.once('close', () => clearTimer(bound))
}
