import { Deadline } from '../lifetime/deadline.ts'
import { turn } from '../lifetime/timers.ts'
import { NetgraceError } from '../model/errors.ts'
import type { Where } from '../spawn/host.ts'
import type { Crew, Foreman } from './crew.ts'
import { realRow } from './order.ts'
import type { Counted } from './progress-teller.ts'
import type { ClientReport } from './report.ts'
import { LONGEST_TIMER_MS, type Plan } from './scenario-options.ts'
import { QUIT_GRACE_MS, Share, type Books, type Ids } from './share.ts'
import { ShareWorker, type Hear } from './share-worker.ts'
import type { Task } from './task.ts'
import { textsFor } from './texts.ts'

/** How long the threads or processes may take until all are ready: for one, and for each more, since they share the processors. Milliseconds. */
const START_MS = 10_000
const START_EACH_MS = 1000

/** How long they may take to tell, beyond what their clients may take, before they are taken for frozen: a little, and a little a client. Milliseconds. */
const PATIENCE_MS = 350
const PATIENCE_EACH_MS = 1

/** Which clients, where, and what they do. */
export interface SpreadPlan {
  readonly where: Where
  readonly workers: number
  readonly clients: number
  readonly task: Task
  readonly message: Plan['message']
  readonly tellsProgress: boolean
}

/**
 * The clients of a scenario, spread over threads or processes.
 *
 * 1. No client begins before all of them are ready: they start together.
 * 2. The deadline is kept over there, where it can say what each client was doing. Here is only the backstop: who is
 *    silent beyond it is frozen, and killed.
 * 3. Every client has a row: its own, or, if its thread or process is gone, one that says so.
 */
export class Spread implements Crew {
  readonly #plan: SpreadPlan
  readonly #foreman: Foreman
  readonly #books: Books
  readonly #patienceMs: number
  #workers: readonly ShareWorker[] = []
  #backstop: Deadline | undefined
  #quitReason: Error | undefined
  #forced = false

  constructor(plan: SpreadPlan, foreman: Foreman, books: Books) {
    this.#plan = plan
    this.#foreman = foreman
    this.#books = books
    this.#patienceMs = PATIENCE_MS + plan.clients * PATIENCE_EACH_MS
  }

  async run(): Promise<void> {
    this.#workers = this.#start()
    await this.#allReady()
    if (this.#quitReason) return this.#standDown(this.#quitReason)

    this.#foreman.begun()
    this.#backstop = new Deadline(Math.min(this.#plan.task.timeoutMs + this.#patienceMs, LONGEST_TIMER_MS))
    if (this.#forced) this.force()
    this.#backstop.onPass(() => void this.#killAll())
    await Promise.all(this.#workers.map((worker) => this.#runOne(worker)))
    this.#backstop.cancel()
  }

  quit(reason: Error): void {
    this.#quitReason ??= reason
    this.#backstop?.bringForward(QUIT_GRACE_MS + this.#patienceMs)
    for (const worker of this.#workers) {
      if (this.#backstop) worker.quit(reason)
      else worker.kill('was not needed any more')
    }
  }

  force(): void {
    this.#forced = true
    this.#backstop?.bringForward(this.#patienceMs)
    if (this.#backstop) for (const worker of this.#workers) worker.force()
  }

  #start(): ShareWorker[] {
    const { where, workers, clients, message, tellsProgress, task } = this.#plan
    const { bytes: _bytes, ...rest } = task
    const atOnce = Math.max(1, Math.floor(task.atOnce / workers))
    const hear: Hear = {
      rows: (rows) => {
        for (const row of rows) this.#foreman.done(this.#ofThisSide(realRow(row)), row.roundTripsMs)
      },
      counts: (counts) => {
        for (const [what, times] of Object.entries(counts)) this.#books.progress.count(what as Counted, times)
      },
    }
    this.#books.track.record('note', `in ${workers} of a ${where}`)
    return shares(clients, workers).map((ids) => {
      const texts = textsFor(ids, task.messages, message)
      return new ShareWorker(where, { ...rest, atOnce, ids, texts, tellsProgress }, hear)
    })
  }

  async #allReady(): Promise<void> {
    const ms = START_MS + (this.#workers.length - 1) * START_EACH_MS
    const starting = new Deadline(ms)
    starting.onPass(() => {
      for (const worker of this.#workers) if (!worker.isReady) worker.kill(`had not started after ${ms} ms, and was killed`)
    })
    await Promise.all(this.#workers.map(({ ready }) => ready))
    starting.cancel()
  }

  async #runOne(worker: ShareWorker): Promise<void> {
    await worker.go()
    for (const row of worker.lost()) this.#foreman.done(row, [])
  }

  /** It was over before it began: as if its clients had been stopped here before they dialled. */
  async #standDown(reason: Error): Promise<void> {
    await Promise.all(this.#workers.map(({ over }) => over))
    const share = new Share({ first: 1, last: this.#plan.clients }, this.#plan.task, this.#foreman, this.#books)
    share.quit(reason)
    await share.run()
  }

  /** What was stopped was stopped for a reason of ours: that one, and no copy of it. */
  #ofThisSide(row: ClientReport): ClientReport {
    const { error } = row
    if (this.#quitReason && error instanceof NetgraceError && error.code === 'ERR_NETGRACE_STOPPED') error.cause = this.#quitReason
    return row
  }

  async #killAll(): Promise<void> {
    await turn() // after a long hold the timer fires before the poll: who has told all meanwhile is not killed
    for (const worker of this.#workers) worker.kill('told nothing when its time was up, as if frozen, and was killed')
  }
}

/** The clients, dealt out as evenly as can be. */
function shares(clients: number, workers: number): Ids[] {
  return Array.from({ length: workers }, (_, n) => ({
    first: Math.floor((n * clients) / workers) + 1,
    last: Math.floor(((n + 1) * clients) / workers),
  }))
}
