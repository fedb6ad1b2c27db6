import { connect, type Socket } from 'node:net'

import { waitFor } from '../lifetime/wait.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { EndingWatch } from './ending-watch.ts'

export interface DialOptions {
  readonly allowHalfOpen?: boolean
  readonly localAddress?: string
  readonly keepAlive?: { readonly delayMs: number }
}

/** A socket on its way to `to`, watched from its first moment. */
export interface Dialled {
  readonly socket: Socket
  readonly watch: EndingWatch
  /** Resolves once the connection stands: `true`; or the socket has closed instead: `false`. */
  readonly standing: Promise<boolean>
}

export function dial(to: Endpoint, options: DialOptions): Dialled {
  const socket = connect({
    ...('path' in to ? { path: to.path } : { host: to.host, port: to.port }),
    noDelay: true,
    allowHalfOpen: options.allowHalfOpen ?? false,
    ...(options.localAddress !== undefined && { localAddress: options.localAddress }),
    ...(options.keepAlive && { keepAlive: true, keepAliveInitialDelay: options.keepAlive.delayMs }),
  })
  const watch = new EndingWatch(socket, 'connecting')
  const { happened } = waitFor(socket, ['connect'], { rejectionEvents: ['close'] })
  const standing = happened.then(
    () => {
      if (socket.destroyed) return closed(socket)
      watch.opened()
      return true
    },
    () => false,
  )
  return { socket, watch, standing }
}

/** It was destroyed in the very turn in which it connected. */
async function closed(socket: Socket): Promise<false> {
  if (!socket.closed) await waitFor(socket, ['close']).happened
  return false
}
