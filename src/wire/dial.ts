import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'

import { waitFor } from '../lifetime/wait.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { EndingWatch } from './ending-watch.ts'

export interface DialOptions {
  readonly allowHalfOpen?: boolean
  readonly localAddress?: string
  readonly tls?: ConnectionOptions
}

type TcpEndpoint = Extract<Endpoint, { readonly host: string }>

/** A socket on its way to its peer, watched from its first moment. */
export interface Dialled {
  readonly socket: Socket
  /** The TCP socket below it, if it is a TLS one; else itself. */
  readonly raw: Socket
  readonly watch: EndingWatch
  /** Resolves once the connection stands, its handshake done: `true`; or the socket has closed instead: `false`. */
  readonly standing: Promise<boolean>
}

export function dial(to: Endpoint, { allowHalfOpen = false, localAddress, tls }: DialOptions): Dialled {
  const raw = 'path' in to ? connect({ path: to.path, allowHalfOpen }) : connect(tcpOptions(to, allowHalfOpen, localAddress))
  const socket = tls ? connectTls({ ...('host' in to && { host: to.host }), ...tls, socket: raw }) : raw
  const watch = new EndingWatch(socket, 'connecting', raw)
  const standing = connected(socket, tls ? 'secureConnect' : 'connect').then((yes) => {
    if (!yes) return false
    if (socket.destroyed) return closed(socket)
    watch.opened()
    return true
  })
  return { socket, raw, watch, standing }
}

/** By hand: the closures of a general wait were a tenth of what a dial costs. */
function connected(socket: Socket, event: 'connect' | 'secureConnect'): Promise<boolean> {
  return new Promise((resolve) => {
    const closedFirst = (): void => resolve(false)
    socket.once('close', closedFirst)
    socket.once(event, () => {
      socket.off('close', closedFirst)
      resolve(true)
    })
  })
}

function tcpOptions({ host, port }: TcpEndpoint, allowHalfOpen: boolean, localAddress: string | undefined): TcpNetConnectOpts {
  const options = { host, port, noDelay: true, allowHalfOpen }
  return localAddress === undefined ? options : { ...options, localAddress }
}

/** It was destroyed in the very turn in which it connected. */
async function closed(socket: Socket): Promise<false> {
  if (!socket.closed) await waitFor(socket, ['close']).happened
  return false
}
