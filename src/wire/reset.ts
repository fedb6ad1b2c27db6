import type { Socket } from 'node:net'

/** Sends RST and drops the socket. One that never connected has nobody to reset. */
export function resetOrDestroy(socket: Socket): void {
  if (socket.destroyed) return
  if (socket.connecting) socket.destroy()
  else socket.resetAndDestroy()
}
