import { bounded, mayBegin } from '../lifetime/bounded.ts'
import type { WaitOptions } from '../model/client.ts'
import type { Connection } from '../model/connection.ts'
import { formatEndpoint, sameEndpoint, type Endpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import type { ServerConnection } from './server-connection.ts'

/** How long `connectionOf` waits for the accept of a client that is connected already. Milliseconds, well below a test's own timeout. */
export const ACCEPT_WITHIN_MS = 2000

/** How many connections that have ended can still be asked for. */
const REMEMBERED = 64

interface Waiting {
  wants(connection: ServerConnection): boolean
  give(connection: ServerConnection): void
  refuse(error: Error): void
}

/** Hands out connections to those who wait for them, each to whoever asked first. */
export class Arrivals {
  readonly #live: ReadonlySet<ServerConnection>
  readonly #ended: ServerConnection[] = []
  readonly #waiting = new Set<Waiting>()
  #closed: (() => Error) | undefined

  constructor(live: ReadonlySet<ServerConnection>) {
    this.#live = live
  }

  of(client: Endpoint, listening: string): Promise<Connection> {
    const late = (): string => `no connection from ${formatEndpoint(client)} was accepted on ${listening} within ${ACCEPT_WITHIN_MS} ms`
    return this.#find(
      [...this.#ended, ...this.#live].toReversed(),
      (one) => sameEndpoint(one.peer, client),
      { withinMs: ACCEPT_WITHIN_MS },
      late,
    )
  }

  next(options: WaitOptions, listening: string): Promise<Connection> {
    mayBegin(options)
    const late = (): string => `nobody connected to ${listening} within ${options.withinMs} ms`
    const oldestFirst = [...this.#ended, ...this.#live].toSorted((a, b) => a.id - b.id)
    return this.#find(oldestFirst, (one) => !one.seen, options, late)
  }

  arrived(connection: ServerConnection): void {
    for (const waiting of this.#waiting) {
      if (!waiting.wants(connection)) continue
      this.#waiting.delete(waiting)
      waiting.give(connection)
      return
    }
  }

  ended(connection: ServerConnection): void {
    this.#ended.push(connection)
    if (this.#ended.length > REMEMBERED) this.#ended.shift()
  }

  /** Nobody will arrive any more; the error is made for those who still ask. */
  close(error: () => Error): void {
    this.#closed = error
    for (const waiting of this.#waiting) waiting.refuse(error())
    this.#waiting.clear()
  }

  #find(
    there: ServerConnection[],
    wants: (one: ServerConnection) => boolean,
    options: WaitOptions,
    late: () => string,
  ): Promise<Connection> {
    const found = there.find(wants)
    if (found) {
      found.seen = true
      return Promise.resolve(found)
    }
    if (this.#closed) return Promise.reject(this.#closed())
    let waiting: Waiting
    const work = new Promise<Connection>((resolve, reject) => {
      const give = (connection: ServerConnection): void => {
        connection.seen = true
        resolve(connection)
      }
      waiting = { wants, give, refuse: reject }
      this.#waiting.add(waiting)
    })
    return bounded(work, options, late, () => this.#waiting.delete(waiting))
  }
}

export function stoppedError(listening: string): NetgraceError {
  return new NetgraceError('ERR_NETGRACE_STOPPED', `the server on ${listening} was stopped`)
}
