import type { Socket } from 'node:net'

/** The system's handle of a socket, as far as we ask it for what no public property tells. */
interface Handle {
  getpeername?(into: object): number
}

function handleOf(socket: Socket): Handle | null | undefined {
  return (socket as unknown as { _handle?: Handle | null })._handle
}

/** Whether it is a TCP socket that is still open: a unix socket has no RST. */
export function isTcp(socket: Socket): boolean {
  return handleOf(socket)?.getpeername !== undefined
}

/** Whether the kernel still knows who is opposite. `remotePort` would answer from memory. */
export function kernelKnowsPeer(socket: Socket): boolean {
  return handleOf(socket)?.getpeername?.({}) === 0
}
