import { clearTimer, nextTurn, setTimer } from '../lifetime/timers.ts'
import type { Service } from '../spawn/serve.ts'
import type { Foreman } from './crew.ts'
import { plainRow, type PlainRow } from './order.ts'
import type { Counted, Counter } from './progress-teller.ts'
import type { ClientReport } from './report.ts'

/** How often counts are told to the other side, at most. Milliseconds. */
const TELL_MS = 20

/** What crosses as an event. */
export type Counts = Partial<Record<Counted, number>>

/** Tells the other side what becomes of the clients here: each as soon as it is done, so that a crash loses no others. */
export class Relay implements Counter, Foreman {
  readonly #service: () => Service
  readonly #tellsProgress: boolean
  #rows: PlainRow[] = []
  #counts: Counts = {}
  #timer: NodeJS.Timeout | undefined

  constructor(service: () => Service, tellsProgress: boolean) {
    this.#service = service
    this.#tellsProgress = tellsProgress
  }

  begun(): void {}

  done(client: ClientReport, roundTripsMs: readonly number[]): void {
    this.#rows.push(plainRow(client, roundTripsMs))
    if (this.#rows.length === 1) nextTurn(() => this.flush())
  }

  count(what: Counted, times = 1): void {
    if (!this.#tellsProgress) return
    this.#counts[what] = (this.#counts[what] ?? 0) + times
    this.#timer ??= setTimer(() => this.flush(), TELL_MS)
  }

  flush(): void {
    clearTimer(this.#timer)
    this.#timer = undefined
    const [counts, rows] = [this.#counts, this.#rows]
    this.#counts = {}
    this.#rows = []
    if (Object.keys(counts).length > 0) this.#service().tell('counts', counts)
    if (rows.length > 0) this.#service().tell('rows', rows)
  }
}
