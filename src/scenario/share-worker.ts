import { messageOf } from '../lifetime/throw-all.ts'
import { clearTimer, setTimer } from '../lifetime/timers.ts'
import type { Ending } from '../model/ending.ts'
import { NetgraceError } from '../model/errors.ts'
import { now } from '../timeline/clock.ts'
import { entryFile } from '../spawn/home.ts'
import { startHost, type Exit, type Host, type Where } from '../spawn/host.ts'
import { Peer } from '../spawn/peer.ts'
import { plainError } from '../spawn/plain-error.ts'
import { latencyOf } from './latency.ts'
import type { Order, PlainRow } from './order.ts'
import type { Counts } from './relay.ts'
import type { ClientReport } from './report.ts'

/** How long a thread or a process may stay once it has told all, before it is killed. Milliseconds. */
const LINGER_MS = 1000

/** What a worker tells. */
export interface Hear {
  rows(rows: readonly PlainRow[]): void
  counts(counts: Counts): void
}

/**
 * One thread or process with its share of the clients, seen from here.
 *
 * Whatever becomes of it, {@link ready} and {@link over} resolve, or it is for its owner to {@link kill} it; then
 * {@link lost} has a row for each client that it did not tell of.
 */
export class ShareWorker {
  /** Resolves when its clients can begin, or never will. */
  readonly ready: Promise<void>
  /** Resolves when it is gone, with its pipes and ports. */
  readonly over: Promise<void>
  readonly #where: Where
  readonly #order: Order
  readonly #host: Host
  readonly #calls: Peer
  readonly #told = new Set<number>()
  #ready = false
  #startedAtMs: number | undefined
  #killedFor: string | undefined
  #exit: Exit | undefined

  constructor(where: Where, order: Order, hear: Hear) {
    this.#where = where
    this.#order = order
    this.#host = startHost(where, entryFile('scenario/entry'))
    this.#calls = new Peer(this.#host, (event, value) => {
      if (event === 'counts') return hear.counts(value as Counts)
      const rows = value as readonly PlainRow[]
      for (const { id } of rows) this.#told.add(id)
      hear.rows(rows)
    })
    this.over = this.#host.exited.then((exit) => {
      this.#exit = exit
      this.#calls.settle(({ resolve }) => resolve(undefined))
    })
    this.ready = this.#call('prepare', order).then(() => {
      this.#ready = true
    })
  }

  get isReady(): boolean {
    return this.#ready
  }

  /** Lets its clients begin. Everything after that is told. */
  async go(): Promise<void> {
    if (this.#exit) return // who is gone answers nothing, and what waited for it has been settled
    this.#startedAtMs = now()
    await this.#call('go')
    const lingering = setTimer(() => this.#host.kill('SIGKILL'), LINGER_MS)
    await this.over
    clearTimer(lingering)
  }

  quit(reason: Error): void {
    this.#calls.tell('quit', plainError(reason))
  }

  force(): void {
    this.#calls.tell('force')
  }

  /** Ends it now, if it is there still. `why` goes into the rows of its clients. */
  kill(why: string): void {
    if (this.#exit) return
    this.#killedFor ??= why
    this.#host.kill('SIGKILL')
  }

  /** Once it is over: a row for each client that it did not tell of. */
  lost(): ClientReport[] {
    const { first, last } = this.#order.ids
    const ids = Array.from({ length: last - first + 1 }, (_, n) => first + n).filter((id) => !this.#told.has(id))
    return ids.map((id) => {
      const ending = this.#lostEnding()
      return { id, sent: 0, echoed: 0, mismatched: 0, ending, latency: latencyOf([]), error: ending.cause }
    })
  }

  async #call(method: string, ...args: readonly unknown[]): Promise<void> {
    try {
      await this.#calls.call(method, args)
    } catch (thrown) {
      this.kill(`failed: ${messageOf(thrown)}`)
    }
  }

  #lostEnding(): Ending {
    const begun = this.#startedAtMs !== undefined
    const unknown = begun ? 'what was sent by then, and how the connection ended, the other side can tell' : 'its clients had not begun'
    const cause = new NetgraceError('ERR_NETGRACE_SPAWN', `${this.#name()} ${this.#how()}; ${unknown}`, { cause: this.#host.crash() })
    return {
      kind: 'error',
      by: 'local',
      phase: begun ? 'open' : 'connecting',
      certain: true,
      bytesRead: 0,
      bytesWritten: 0,
      durationMs: begun ? now() - this.#startedAtMs! : 0,
      cause,
    }
  }

  #how(): string {
    const crash = this.#host.crash()
    if (this.#killedFor) return this.#killedFor
    if (crash) return `${this.#startedAtMs === undefined ? 'did not start' : 'crashed'}: ${crash.message}`
    return this.#exit?.signal ? `was killed by ${this.#exit.signal}` : `exited with code ${this.#exit?.code}`
  }

  #name(): string {
    const { first, last } = this.#order.ids
    const clients = first === last ? `client #${first}` : `clients #${first}–#${last}`
    return `the ${this.#where}${this.#host.pid === undefined ? '' : ` ${this.#host.pid}`} of ${clients}`
  }
}
