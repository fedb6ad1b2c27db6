import { bounded, mayBegin } from '../lifetime/bounded.ts'
import type { WaitOptions } from '../model/client.ts'
import type { Connection } from '../model/connection.ts'
import { endpointKey, formatEndpoint, type Endpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import { wrongType } from '../model/invalid.ts'
import type { ServerConnection } from './server-connection.ts'

/** How long `connectionOf` waits for the accept of a client that is connected already. Milliseconds, well below a test's own timeout. */
export const ACCEPT_WITHIN_MS = 2000

/** How many connections that have ended can still be asked for. */
const REMEMBERED = 64

/** Of how many older ones it is still known that they were there: as many as one address has ports. */
const KNOWN_AS_FORGOTTEN = 65_536

/** What `connectionOf` is given. A client of ours in this thread also knows since when it has been dialling. */
export interface ClientEnd {
  readonly local: Endpoint
  readonly openedAtMs?: number
}

interface Waiting {
  /** Which of all that were asked for this was. */
  readonly turn: number
  give(connection: ServerConnection): void
  refuse(error: Error): void
}

const NONE: Set<Waiting> = new Set()

/**
 * Hands out the connections of one run.
 *
 * 1. Each `connectionOf` gets the connection of its client, whatever else was asked.
 * 2. Each `nextConnection` gets one that nothing had asked for before it, the oldest first.
 * 3. Which of the two asked first decides, not the moment of the accept.
 */
export class Arrivals {
  /** All that can be asked for by their client: the live ones, and the last {@link REMEMBERED} that have ended. */
  readonly #byClient = new Map<string, ServerConnection>()
  /** Those that nothing has asked for, oldest first. */
  readonly #unseen = new Set<ServerConnection>()
  readonly #ended: ServerConnection[] = []
  /** When the connections ended that are remembered no more, by client. */
  readonly #forgotten = new Map<string, number>()
  readonly #waitingOf = new Map<string, Set<Waiting>>()
  readonly #waitingNext = new Set<Waiting>()
  #turns = 0
  #closed: (() => Error) | undefined

  of(client: ClientEnd, listening: string): Promise<Connection> {
    const local = checkedLocal(client)
    if ('path' in local) return Promise.reject(unnamedError(listening))
    const key = endpointKey(local)
    const there = this.#byClient.get(key)
    if (there && !before(endedAtMs(there), client)) return Promise.resolve(this.#give(there))
    if (this.#closed) return Promise.reject(this.#closed())
    const forgotten = this.#forgotten.get(key)
    if (forgotten !== undefined && !before(forgotten, client)) return Promise.reject(forgottenError(local, listening))
    const waiting = this.#waitingOf.get(key) ?? new Set()
    this.#waitingOf.set(key, waiting)
    const late = (): string => `no connection from ${formatEndpoint(local)} was accepted on ${listening} within ${ACCEPT_WITHIN_MS} ms`
    return this.#wait(waiting, { withinMs: ACCEPT_WITHIN_MS }, late, () => {
      if (waiting.size === 0 && this.#waitingOf.get(key) === waiting) this.#waitingOf.delete(key)
    })
  }

  next(options: WaitOptions, listening: string): Promise<Connection> {
    mayBegin(options)
    for (const oldest of this.#unseen) return Promise.resolve(this.#give(oldest))
    if (this.#closed) return Promise.reject(this.#closed())
    return this.#wait(this.#waitingNext, options, () => `nothing connected to ${listening} within ${options.withinMs} ms`)
  }

  arrived(connection: ServerConnection): void {
    const key = endpointKey(connection.peer)
    this.#byClient.set(key, connection)
    this.#unseen.add(connection)
    const [next] = this.#waitingNext
    const itsOwn = this.#waitingOf.get(key) ?? NONE
    const [first] = itsOwn
    this.#waitingOf.delete(key)
    if (next && next.turn < (first?.turn ?? Infinity)) this.#settle(next, this.#waitingNext).give(connection)
    for (const waiting of itsOwn) this.#settle(waiting, itsOwn).give(connection)
  }

  ended(connection: ServerConnection): void {
    this.#ended.push(connection)
    if (this.#ended.length > REMEMBERED) this.#forget(this.#ended.shift()!)
  }

  /** No more will arrive; the error is made for each that still asks. */
  close(error: () => Error): void {
    this.#closed = error
    for (const all of [this.#waitingNext, ...this.#waitingOf.values()]) {
      for (const waiting of all) this.#settle(waiting, all).refuse(error())
    }
    this.#waitingOf.clear()
  }

  /** It is about to have its answer: whoever gives it up from now on gets that. */
  #settle(waiting: Waiting, among: Set<Waiting>): Waiting {
    among.delete(waiting)
    return waiting
  }

  #give(connection: ServerConnection): ServerConnection {
    this.#unseen.delete(connection)
    return connection
  }

  #wait(among: Set<Waiting>, options: WaitOptions, late: () => string, left: () => void = () => {}): Promise<Connection> {
    let waiting: Waiting
    const work = new Promise<Connection>((resolve, reject) => {
      waiting = { turn: this.#turns++, give: (connection) => resolve(this.#give(connection)), refuse: reject }
      among.add(waiting)
    })
    return bounded(work, options, late, () => {
      const waited = among.delete(waiting)
      left()
      return waited // else its answer is on its way
    })
  }

  #forget(connection: ServerConnection): void {
    this.#unseen.delete(connection)
    const key = endpointKey(connection.peer)
    if (this.#byClient.get(key) !== connection) return // its client's port is another's now
    this.#byClient.delete(key)
    this.#forgotten.delete(key) // so that it becomes the newest
    this.#forgotten.set(key, endedAtMs(connection)!)
    if (this.#forgotten.size <= KNOWN_AS_FORGOTTEN) return
    for (const [oldest] of this.#forgotten) return void this.#forgotten.delete(oldest)
  }
}

export function stoppedError(listening: string): NetgraceError {
  return new NetgraceError('ERR_NETGRACE_STOPPED', `the server on ${listening} was stopped`)
}

function checkedLocal(client: ClientEnd): Endpoint {
  const local = (client as Partial<ClientEnd> | undefined)?.local as { path?: unknown; host?: unknown; port?: unknown } | undefined
  if (typeof local?.path === 'string' || (typeof local?.host === 'string' && typeof local.port === 'number')) return local as Endpoint
  throw wrongType('client', 'a client, or { local: { host, port } }', client)
}

/** Neither end of a unix socket has a name that tells one client from another. */
function unnamedError(listening: string): NetgraceError {
  return new NetgraceError(
    'ERR_NETGRACE_UNKNOWN_CONNECTION',
    `${listening} cannot tell which connection is that client's: the client's end of a unix socket has no name. Use nextConnection(), or listen on a port`,
  )
}

function forgottenError(client: Endpoint, listening: string): NetgraceError {
  return new NetgraceError(
    'ERR_NETGRACE_UNKNOWN_CONNECTION',
    `the connection of ${formatEndpoint(client)} on ${listening} has ended, and is forgotten: the last ${REMEMBERED} that have ended are remembered`,
  )
}

function endedAtMs({ ending, openedAtMs }: ServerConnection): number | undefined {
  return ending && openedAtMs + ending.durationMs
}

/** Whether it was over before that client began to dial: then another client had its port. */
function before(overAtMs: number | undefined, { openedAtMs }: ClientEnd): boolean {
  return overAtMs !== undefined && openedAtMs !== undefined && overAtMs < openedAtMs
}
