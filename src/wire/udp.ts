import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'

import { onAbort } from '../lifetime/on-abort.ts'
import { asError } from '../lifetime/throw-all.ts'
import { turn } from '../lifetime/timers.ts'
import { waitFor } from '../lifetime/wait.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'

/** A host and a port: UDP has no paths. */
export interface UdpAddress {
  readonly host: string
  readonly port: number
}

/** Words an error: the system's, or, with `aborted`, the reason of the signal. */
type Wording = (error: Error, aborted: boolean) => Error

/** Node emits `close` of a UDP socket before the system's handle is gone, which takes so many turns more. */
const TURNS_TO_CLOSE = 2

/** When each socket of ours is closed, whoever has closed it: Node does not tell that afterwards. */
const closed = new WeakMap<Socket, Promise<void>>()

/**
 * A UDP socket bound to `address`. Rejects with `ERR_NETGRACE_LISTEN`, or with `ERR_NETGRACE_STOPPED` if `signal` aborts first;
 * nothing is left open then.
 */
export async function bindUdp(address: UdpAddress, signal?: AbortSignal): Promise<Socket> {
  const socket = socketFor(address.host)
  const { happened } = waitFor(socket, ['listening'], { rejectionEvents: ['error'] })
  socket.bind({ address: address.host, port: address.port, exclusive: true })
  return opened(socket, happened, signal, (cause, aborted) => {
    const where = formatEndpoint(address)
    if (aborted) return new NetgraceError('ERR_NETGRACE_STOPPED', `stopped before it received on ${where}: signal has aborted`, { cause })
    return new NetgraceError('ERR_NETGRACE_LISTEN', `cannot receive on ${where}: ${cause.message}`, { cause })
  })
}

/**
 * A UDP socket connected to `to`: it hears nobody else, and learns when nobody is there. Rejects with what `failed` makes of
 * the system's error, or of the reason of `signal` if that aborts first; nothing is left open then.
 */
export async function connectUdp(to: UdpAddress, failed: Wording, signal?: AbortSignal): Promise<Socket> {
  const socket = socketFor(to.host)
  const { happened } = waitFor(socket, ['connect'], { rejectionEvents: ['error'] })
  socket.connect(to.port, to.host)
  return opened(socket, happened, signal, failed)
}

/** Closes it, unless its user has, and resolves when it is gone. */
export async function closeUdp(socket: Socket): Promise<void> {
  close(socket)
  socket.once('error', () => close(socket)) // Node drops a close that waits for a bind, when that fails
  await whenClosed(socket)
  for (let left = TURNS_TO_CLOSE; left > 0; left--) await turn()
}

/** Resolves when it is closed, whoever has closed it. */
export function whenClosed(socket: Socket): Promise<void> {
  return closed.get(socket)!
}

function close(socket: Socket): void {
  try {
    socket.close()
  } catch (error) {
    if (!isClosed(error)) throw error
  }
}

/** Whether Node refused it because the socket had been closed. */
export function isClosed(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_SOCKET_DGRAM_NOT_RUNNING'
}

function socketFor(host: string): Socket {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  closed.set(socket, new Promise((resolve) => socket.once('close', () => resolve())))
  return socket
}

async function opened(socket: Socket, happened: Promise<void>, signal: AbortSignal | undefined, failed: Wording): Promise<Socket> {
  let forget = (): void => {}
  const aborted = new Promise<void>((resolve) => {
    if (signal) forget = onAbort(signal, () => resolve())
  })
  try {
    await Promise.race([happened, aborted])
  } catch (error) {
    await closeUdp(socket)
    throw failed(asError(error), false)
  } finally {
    forget()
  }
  if (!signal?.aborted) return socket
  socket.on('error', () => {}) // of a lookup that is still under way
  happened.catch(() => {})
  await closeUdp(socket)
  throw failed(asError(signal.reason), true)
}
