import { DEFAULT_CONNECT_TIMEOUT_MS } from '../client/connect-options.ts'
import { asError, messageOf } from '../lifetime/throw-all.ts'
import { formatEndpoint, type Endpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import { now } from '../timeline/clock.ts'
import type { Timeline } from '../timeline/timeline.ts'
import type { Track } from '../timeline/track.ts'
import { DEFAULT_CLOSE_TIMEOUT_MS } from '../wire/wire.ts'
import type { Crew, Foreman } from './crew.ts'
import { GATE } from './gate.ts'
import { makeReport } from './make-report.ts'
import { messageBytes } from './message-bytes.ts'
import { ProgressTeller } from './progress-teller.ts'
import type { ClientReport, ScenarioReport } from './report.ts'
import { planOf, type Plan, type ScenarioOptions } from './scenario-options.ts'
import { Share, type Books } from './share.ts'
import { Spread } from './spread.ts'

/** Starts a scenario. Throws for wrong options, and for a signal that has aborted, before anything is opened. */
export function startScenario(to: Endpoint, options: ScenarioOptions, timeline: Timeline): ScenarioRun {
  const plan = planOf(options)
  if (plan.signal?.aborted) {
    const message = `scenario with ${formatEndpoint(to)}: signal had aborted already`
    throw new NetgraceError('ERR_NETGRACE_STOPPED', message, { cause: plan.signal.reason })
  }
  return new ScenarioRun(to, plan, timeline)
}

/** A scenario under way, wherever its clients run. Nothing of it is left open once there is a report. */
export class ScenarioRun {
  /** Never rejects. */
  readonly report: Promise<ScenarioReport>
  readonly #plan: Plan
  readonly #track: Track
  readonly #progress: ProgressTeller
  readonly #crew: Crew
  readonly #clients: ClientReport[] = []
  readonly #roundTripsMs: number[] = []
  #startedAtMs = now()
  #over = false

  constructor(to: Endpoint, plan: Plan, timeline: Timeline) {
    this.#plan = plan
    this.#track = timeline.open('scenario')
    this.#track.record('opened', `${plan.clients} clients, ${plan.messages} messages each, to ${formatEndpoint(to)}`)
    this.#progress = new ProgressTeller(plan)
    this.#crew = this.#hire(to, { progress: this.#progress, timeline, track: this.#track })
    plan.signal?.addEventListener('abort', this.#onAbort)
    this.report = this.#run(timeline)
  }

  /** No client sends another message; replies on their way are still read. */
  quit(reason: Error): void {
    if (this.#over) return
    this.#track.record('quit', messageOf(reason))
    this.#crew.quit(reason)
  }

  /** Cuts every client that is not done. */
  force(): void {
    if (!this.#over) this.#crew.force()
  }

  #hire(to: Endpoint, books: Books): Crew {
    const { clients, messages, intervalMs, timeoutMs, in: where, workers, message } = this.#plan
    const foreman: Foreman = {
      begun: () => {
        this.#startedAtMs = now()
        this.#progress.begin()
      },
      done: (client, roundTripsMs) => this.#done(client, roundTripsMs),
    }
    const bytes = (client: number, count: number): Buffer => messageBytes(message, client, count)
    const bounds = {
      timeoutMs,
      connectTimeoutMs: DEFAULT_CONNECT_TIMEOUT_MS + clients,
      closeTimeoutMs: DEFAULT_CLOSE_TIMEOUT_MS + clients,
      atOnce: GATE,
    }
    const task = { to, messages, intervalMs, bytes, ...bounds }
    if (where === 'inline') return new Share({ first: 1, last: clients }, task, foreman, books)
    return new Spread({ where, workers, clients, task, message, tellsProgress: this.#plan.onProgress !== undefined }, foreman, books)
  }

  #done(client: ClientReport, roundTripsMs: readonly number[]): void {
    this.#clients[client.id - 1] = client
    for (const ms of roundTripsMs) this.#roundTripsMs.push(ms)
    if (client.error) this.#progress.count('failed')
    this.#progress.count('done')
  }

  async #run(timeline: Timeline): Promise<ScenarioReport> {
    await this.#crew.run()
    const durationMs = now() - this.#startedAtMs
    this.#over = true
    this.#plan.signal?.removeEventListener('abort', this.#onAbort)
    this.#progress.finish()
    const report = makeReport({
      plan: this.#plan,
      clients: this.#clients,
      roundTripsMs: this.#roundTripsMs,
      durationMs,
      callbackError: this.#progress.error,
    })
    this.#track.record('ended', report.summary)
    timeline.close(this.#track)
    return report
  }

  readonly #onAbort = (): void => this.quit(asError(this.#plan.signal!.reason))
}
