import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { ConnectionOptions } from 'node:tls'

import { waitFor } from '../lifetime/wait.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { TimedOut } from '../model/ending.ts'
import { EndingWatch } from './ending-watch.ts'
import { checkedTls, secure } from './secure.ts'

export interface DialOptions {
  readonly allowHalfOpen?: boolean | undefined
  readonly localAddress?: string | undefined
  readonly tls?: ConnectionOptions | undefined
}

type TcpEndpoint = Extract<Endpoint, { readonly host: string }>

/** A socket on its way to its peer, watched from its first moment. Wrong TLS options throw, and nothing is opened then. */
export function dial(to: Endpoint, options: DialOptions): Dialled {
  return new Dialled(to, options, options.tls && checkedTls(to, options.tls))
}

/** See {@link dial}. */
export class Dialled {
  /** The TCP or unix socket; of TLS the one below. */
  readonly raw: Socket
  readonly watch: EndingWatch
  /** Resolves once the connection stands, its handshake done: `true`; or the socket has closed instead: `false`. */
  readonly standing: Promise<boolean>
  #socket: Socket

  constructor(to: Endpoint, { allowHalfOpen = false, localAddress }: DialOptions, tls: ConnectionOptions | undefined) {
    this.raw = 'path' in to ? connect({ path: to.path, allowHalfOpen }) : connect(tcpOptions(to, allowHalfOpen, localAddress))
    this.#socket = this.raw
    this.watch = new EndingWatch(this.raw, 'connecting', this.raw)
    this.standing = this.#stand(tls)
  }

  /** What is read and written: the TLS socket, as soon as there is one. */
  get socket(): Socket {
    return this.#socket
  }

  /** What is under way at the moment. */
  get stage(): 'connect' | 'handshake' {
    return this.#socket === this.raw ? 'connect' : 'handshake'
  }

  /** Dials no longer. */
  giveUp(intent: 'timeout' | 'closed', why?: Error | TimedOut): void {
    if (this.watch.intend(intent, why)) this.#socket.destroy()
  }

  async #stand(tls: ConnectionOptions | undefined): Promise<boolean> {
    const stands = connected(this.raw, 'connect', () => tls && this.#secure(tls))
    if (!(await stands)) return false
    if (tls && !(await connected(this.#socket, 'secureConnect'))) return false
    if (this.#socket.destroyed) return closed(this.#socket)
    this.watch.opened()
    return true
  }

  /** In the very turn of the `connect`: what the peer sends is TLS's. */
  #secure(tls: ConnectionOptions): void {
    try {
      this.#socket = secure(this.raw, tls)
      this.watch.secured(this.#socket)
    } catch (error) {
      this.raw.destroy(error as Error)
    }
  }
}

/** By hand: the closures of a general wait were a tenth of what a dial costs. */
function connected(socket: Socket, event: 'connect' | 'secureConnect', then?: () => void): Promise<boolean> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve(closed(socket))
    const closedFirst = (): void => resolve(false)
    socket.once('close', closedFirst)
    socket.once(event, () => {
      socket.off('close', closedFirst)
      then?.()
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
