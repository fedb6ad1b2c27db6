import type { Socket } from 'node:net'

/** The system's handle of a socket, as far as we ask it for what no public property tells. */
interface Handle {
  getpeername?(into: object): number
}

interface Inside {
  readonly _handle?: Handle | null
  readonly _parent?: Socket | null
}

/** The system's handle of a socket, to ask it later by {@link carriesTls}. */
export function handleOf(socket: Socket): object | undefined {
  return (socket as unknown as Inside)._handle ?? undefined
}

/** Whether TLS was put on the socket of this handle: from then on the socket itself hears of nothing. */
export function carriesTls(handle: object | undefined): boolean {
  return handle !== undefined && Object.getOwnPropertyDescriptor(handle, 'reading')?.get !== undefined
}

/** The TCP or unix socket that a TLS socket runs over; any other socket is its own. */
export function socketBelow(socket: Socket): Socket {
  return (socket as unknown as Inside)._parent ?? socket
}

/** Whether it is a TCP socket that is still open: a unix socket has no RST. Of a TLS socket ask the {@link socketBelow}. */
export function isTcp(socket: Socket): boolean {
  return (socket as unknown as Inside)._handle?.getpeername !== undefined
}

/** Whether the kernel still knows which end is opposite. `remotePort` would answer from memory. */
export function kernelKnowsPeer(socket: Socket): boolean {
  return (socket as unknown as Inside)._handle?.getpeername?.({}) === 0
}
