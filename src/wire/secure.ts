import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect, createSecureContext, type ConnectionOptions, type TLSSocket } from 'node:tls'

import type { Endpoint } from '../model/endpoint.ts'

/**
 * What `tls.connect` will be given, all but the socket. Node checks most of it only when there is one, so that is tried here
 * on a stream that leads nowhere, before anything is opened. Throws what Node throws.
 */
export function checkedTls(to: Endpoint, given: ConnectionOptions): ConnectionOptions {
  const secureContext = given.secureContext ?? createSecureContext(given)
  const options = { ...('host' in to && { host: to.host }), ...given, secureContext }
  const trial = connect({ ...options, socket: new Nowhere() })
  trial.on('error', () => {}).destroy()
  return options
}

/** TLS over a socket that is connected: one that is still connecting may change its handle, and TLS would go on with the old one. */
export function secure(raw: Socket, options: ConnectionOptions): TLSSocket {
  return connect({ ...options, socket: raw })
}

class Nowhere extends Duplex {
  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done()
  }
}
