import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'

import type { Deadline } from '../lifetime/deadline.ts'
import { nextTurn } from '../lifetime/timers.ts'
import { waitFor } from '../lifetime/wait.ts'
import { formatEndpoint, type Endpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import type { HandshakeCounts } from '../model/stop-report.ts'
import { acceptBacklog } from './backlog.ts'
import { Handshakes, type HandshakeRecord } from './handshakes.ts'
import { RESET_GAP_MS, resetMayReadAsEnd } from './platform.ts'
import { resetOrDestroy } from './reset.ts'
import { onceQuietFor } from './turn.ts'

/** Whoever is told of what the listener accepts. */
export interface ListenerEvents {
  /** A connection, its handshake done; `raw` is the TCP socket below a TLS one. */
  accepted(socket: Socket, raw: Socket): void
  /** One that came after quit, and is about to be reset. */
  late(): void
  /** An accept failed; the listener goes on. */
  failed(error: Error): void
}

/**
 * Accepts on one address, once: from `listen` to `close`.
 *
 * After {@link quit} what it accepts is late: told and reset, one turn after its accept, or its dialler would never see
 * itself connected (test/platform/accepting.test.ts).
 */
export class Listener {
  readonly #server: Server
  readonly #events: ListenerEvents
  readonly #handshakes: Handshakes | undefined
  #quitting = false
  #late = 0

  constructor(events: ListenerEvents, tls?: TlsOptions, record?: HandshakeRecord) {
    this.#events = events
    this.#server = createServer({ allowHalfOpen: true, noDelay: true })
    this.#handshakes = tls && new Handshakes(tls, (socket, raw) => this.#ready(socket, raw), record)
    this.#server.on('connection', (raw: Socket) => {
      if (!this.#quitting && this.#handshakes) this.#handshakes.begin(raw)
      else this.#ready(raw, raw)
    })
  }

  /** Resolves, once it listens, to where. A listener that is closed meanwhile rejects with `ERR_NETGRACE_STOPPED`. */
  async listen(address: Endpoint): Promise<Endpoint> {
    const { happened } = waitFor(this.#server, ['listening', 'close'], { rejectionEvents: ['error'] })
    this.#server.listen(address) // "listening" never comes if it is closed right away
    await happened.catch((error: unknown) => {
      throw listenError(address, error as NodeJS.ErrnoException)
    })
    if (!this.#server.listening) {
      throw new NetgraceError('ERR_NETGRACE_STOPPED', `stopped before it listened on ${formatEndpoint(address)}`)
    }
    this.#server.on('error', (error) => this.#events.failed(error))
    if ('path' in address) return address
    const { address: host, port } = this.#server.address() as AddressInfo
    return { host, port }
  }

  /** From now on who comes is late, and so is whose handshake is not done. */
  quit(): void {
    this.#quitting = true
  }

  /** See {@link acceptBacklog}. */
  acceptBacklog(deadline: Deadline): Promise<void> {
    return acceptBacklog(() => this.#late, deadline)
  }

  /** Closes the listener at once. Resolves when its last socket has closed, too. */
  close(): Promise<void> {
    return new Promise((resolve) => void this.#server.close(() => resolve()))
  }

  /** Cuts the handshakes that are still under way. */
  cutHandshakes(): void {
    this.#handshakes?.cut()
  }

  /** Of the handshakes that came to nothing. */
  get handshakes(): HandshakeCounts {
    return this.#handshakes?.counts ?? { pending: 0, failed: 0 }
  }

  #ready(socket: Socket, raw: Socket): void {
    if (!this.#quitting) return this.#events.accepted(socket, raw)
    this.#late++
    this.#events.late()
    socket.on('error', () => {}) // it is being reset; there is nothing to learn
    const cut = (): void => resetOrDestroy(socket, raw)
    if (socket === raw || !resetMayReadAsEnd) nextTurn(cut)
    else onceQuietFor(RESET_GAP_MS, cut) // the handshake has just been written
  }
}

function listenError(address: Endpoint, cause: NodeJS.ErrnoException): NetgraceError {
  const stale = 'path' in address && cause.code === 'EADDRINUSE'
  const hint = stale
    ? ' (a file is there already: another server listens on it, or one has left it behind, and then it can be removed)'
    : ''
  return new NetgraceError('ERR_NETGRACE_LISTEN', `cannot listen on ${formatEndpoint(address)}: ${cause.message}${hint}`, { cause })
}
