import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

import type { Deadline } from '../lifetime/deadline.ts'
import { nextTurn, turn } from '../lifetime/timers.ts'
import { waitFor } from '../lifetime/wait.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import { resetOrDestroy } from './reset.ts'

/** How many late connections are let in at most: a client that redials on reset would keep us for ever. */
export const MAX_LATE = 512

/** How many turns of the event loop without a connection mean that the backlog is empty: libuv accepts one a turn. */
const IDLE_TURNS = 2

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Whoever is told of what the listener accepts. */
export interface ListenerEvents {
  /** A connection, or one that came after quit and is about to be reset. */
  accepted(socket: Socket): void
  late(): void
  /** An accept failed; the listener goes on. */
  failed(error: Error): void
}

/**
 * Accepts on one address, once: from `listen` to `close`.
 *
 * After {@link quit} what it accepts is late: told and reset, one turn after its accept, or its dialler would never see
 * itself connected (test/platform/backlog.test.ts).
 */
export class Listener {
  readonly #server: Server
  readonly #events: ListenerEvents
  #quitting = false
  #late = 0

  constructor(events: ListenerEvents) {
    this.#events = events
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#onConnection(socket))
  }

  /** Resolves, once it listens, to where. A listener that is closed meanwhile rejects with `ERR_NETGRACE_STOPPED`. */
  async listen(address: ListenAddress): Promise<ListenAddress> {
    const { happened } = waitFor(this.#server, ['listening', 'close'], { rejectionEvents: ['error'] })
    this.#server.listen(address) // "listening" never comes if it is closed right away
    await happened.catch((error: unknown) => {
      throw new NetgraceError('ERR_NETGRACE_LISTEN', `cannot listen on ${formatEndpoint(address)}: ${(error as Error).message}`, {
        cause: error,
      })
    })
    if (!this.#server.listening) {
      throw new NetgraceError('ERR_NETGRACE_STOPPED', `stopped before it listened on ${formatEndpoint(address)}`)
    }
    this.#server.on('error', (error) => this.#events.failed(error))
    return { host: address.host, port: (this.#server.address() as AddressInfo).port }
  }

  /** From now on who comes is late. */
  quit(): void {
    this.#quitting = true
  }

  /** Lets in what the kernel had accepted, one connection a turn, until nothing more comes, it is {@link MAX_LATE}, or the deadline passes. */
  async acceptBacklog(deadline: Deadline): Promise<void> {
    let idle = 0
    while (idle < IDLE_TURNS && this.#late < MAX_LATE && !deadline.passed) {
      const before = this.#late
      await turn()
      idle = this.#late === before ? idle + 1 : 0
    }
  }

  /** Closes the listener at once. Resolves when its last socket has closed, too. */
  close(): Promise<void> {
    return new Promise((resolve) => void this.#server.close(() => resolve()))
  }

  #onConnection(socket: Socket): void {
    if (!this.#quitting) return this.#events.accepted(socket)
    this.#late++
    this.#events.late()
    socket.on('error', () => {}) // it is being reset; there is nothing to learn
    nextTurn(() => resetOrDestroy(socket))
  }
}
