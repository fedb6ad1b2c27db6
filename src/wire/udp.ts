import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'

import { waitFor } from '../lifetime/wait.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'

/** A host and a port: UDP has no paths. */
export interface UdpAddress {
  readonly host: string
  readonly port: number
}

/** A UDP socket bound to `address`. Rejects with `ERR_NETGRACE_LISTEN`; nothing is left open then. */
export async function bindUdp(address: UdpAddress): Promise<Socket> {
  const socket = socketFor(address.host)
  const { happened } = waitFor(socket, ['listening'], { rejectionEvents: ['error'] })
  socket.bind({ address: address.host, port: address.port, exclusive: true })
  return opened(socket, happened, (error) => {
    return new NetgraceError('ERR_NETGRACE_LISTEN', `cannot receive on ${formatEndpoint(address)}: ${error.message}`, { cause: error })
  })
}

/** A UDP socket connected to `to`: it hears nobody else, and learns when nobody is there. Rejects with what `failed` makes of the system's error. */
export async function connectUdp(to: UdpAddress, failed: (error: Error) => Error): Promise<Socket> {
  const socket = socketFor(to.host)
  const { happened } = waitFor(socket, ['connect'], { rejectionEvents: ['error'] })
  socket.connect(to.port, to.host)
  return opened(socket, happened, failed)
}

/** Closes it, and resolves when it is gone. */
export async function closeUdp(socket: Socket): Promise<void> {
  const { happened } = waitFor(socket, ['close'])
  socket.close()
  await happened
}

function socketFor(host: string): Socket {
  return createSocket(isIPv6(host) ? 'udp6' : 'udp4')
}

async function opened(socket: Socket, happened: Promise<void>, failed: (error: Error) => Error): Promise<Socket> {
  try {
    await happened
    return socket
  } catch (error) {
    await closeUdp(socket)
    throw failed(error as Error)
  }
}
