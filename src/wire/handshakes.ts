import type { Socket } from 'node:net'
import { createServer, type Server, type TlsOptions, type TLSSocket } from 'node:tls'

import { resetOrDestroy } from './reset.ts'

/**
 * The TLS handshakes of one listener, from the accept of the TCP socket on.
 *
 * A `tls.Server` of ours that never listens does them, so that the TCP socket below is known: only that can be reset.
 */
export class Handshakes {
  readonly #engine: Server
  readonly #underWay = new Set<Socket>()

  /** @param done  Is given the TLS socket, and the TCP socket below it. Wrong options throw here. */
  constructor(options: TlsOptions, done: (socket: TLSSocket, raw: Socket) => void) {
    this.#engine = createServer({ ...options, allowHalfOpen: true })
    this.#engine.on('secureConnection', (socket) => {
      const raw = this.#below(socket)
      this.#underWay.delete(raw)
      done(socket, raw)
    })
    this.#engine.on('tlsClientError', (_error, socket) => socket.destroy()) // its dialler learns it by its own handshake
  }

  begin(raw: Socket): void {
    this.#underWay.add(raw)
    raw.on('error', () => {}) // told as tlsClientError, or on the TLS socket
    raw.once('close', () => this.#underWay.delete(raw))
    this.#engine.emit('connection', raw)
  }

  cut(): void {
    for (const raw of this.#underWay) resetOrDestroy(raw)
  }

  /** A TLS socket does not tell which socket is below it, but it has the same addresses. A unix socket has none, nor an RST. */
  #below(socket: TLSSocket): Socket {
    const { remotePort, remoteAddress } = socket
    if (remotePort === undefined) return socket
    for (const raw of this.#underWay) if (raw.remotePort === remotePort && raw.remoteAddress === remoteAddress) return raw
    return socket
  }
}
