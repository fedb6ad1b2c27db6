import { Deadline } from '../lifetime/deadline.ts'
import { inSlices } from '../lifetime/slices.ts'
import { asError } from '../lifetime/throw-all.ts'
import { formatEndpoint, type Endpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import { now } from '../timeline/clock.ts'
import type { Timeline } from '../timeline/timeline.ts'
import type { Track } from '../timeline/track.ts'
import { makeReport } from './make-report.ts'
import { ProgressTeller } from './progress-teller.ts'
import type { ClientReport, ScenarioReport } from './report.ts'
import { ScenarioClient } from './scenario-client.ts'
import { planOf, type Plan, type ScenarioOptions } from './scenario-options.ts'

/** How long replies may still come, and connections end, once a scenario was told to stop. Milliseconds. */
export const QUIT_GRACE_MS = 1000

/** Starts a scenario. Throws for wrong options, and for a signal that has aborted, before anything is opened. */
export function startScenario(to: Endpoint, options: ScenarioOptions, timeline: Timeline): ScenarioRun {
  const plan = planOf(options)
  if (plan.signal?.aborted) {
    const message = `scenario with ${formatEndpoint(to)}: signal had aborted already`
    throw new NetgraceError('ERR_NETGRACE_STOPPED', message, { cause: plan.signal.reason })
  }
  return new ScenarioRun(to, plan, timeline)
}

/**
 * A scenario under way. It has one deadline: `timeoutMs`, which {@link quit} brings forward to {@link QUIT_GRACE_MS},
 * and {@link force} to now. Whoever is not done by then is cut. Nothing of it is left open once there is a report.
 */
export class ScenarioRun {
  /** Never rejects. */
  readonly report: Promise<ScenarioReport>
  readonly #plan: Plan
  readonly #track: Track
  readonly #clients: readonly ScenarioClient[]
  readonly #progress: ProgressTeller
  readonly #deadline: Deadline
  /** What is being done to all clients: the report waits for it. */
  readonly #rounds: Promise<void>[] = []
  #over = false

  constructor(to: Endpoint, plan: Plan, timeline: Timeline) {
    this.#plan = plan
    this.#track = timeline.open('scenario')
    this.#track.record('opened', `${plan.clients} clients, ${plan.messages} messages each, to ${formatEndpoint(to)}`)
    this.#progress = new ProgressTeller(plan)
    this.#clients = Array.from({ length: plan.clients }, (_, n) => new ScenarioClient(n + 1, to, plan, this.#progress, timeline))
    this.#deadline = new Deadline(plan.timeoutMs)
    this.#deadline.onPass(() => this.#cutAll())
    plan.signal?.addEventListener('abort', this.#onAbort)
    this.report = this.#run(timeline)
  }

  /** No client sends another message; replies on their way are still read. */
  quit(reason: Error): void {
    if (this.#over) return
    this.#track.record('quit', reason.message)
    this.#deadline.bringForward(QUIT_GRACE_MS)
    this.#rounds.push(inSlices(this.#clients, (client) => client.quit(reason)))
  }

  /** Cuts every client that is not done. */
  force(): void {
    if (!this.#over) this.#deadline.bringForward(0)
  }

  async #run(timeline: Timeline): Promise<ScenarioReport> {
    const startedAtMs = now()
    const running: Promise<ClientReport>[] = []
    await inSlices(this.#clients, (client) => running.push(client.run()))
    const clients = await Promise.all(running)
    const durationMs = now() - startedAtMs

    this.#over = true
    this.#deadline.cancel()
    this.#plan.signal?.removeEventListener('abort', this.#onAbort)
    await Promise.all(this.#rounds)
    this.#progress.finish()
    const report = makeReport({
      plan: this.#plan,
      clients,
      roundTripsMs: this.#clients.flatMap(({ roundTripsMs }) => roundTripsMs),
      durationMs,
      callbackError: this.#progress.error,
    })
    this.#track.record('ended', report.summary)
    timeline.close(this.#track)
    return report
  }

  #cutAll(): void {
    this.#track.record('forced')
    this.#rounds.push(inSlices(this.#clients, (client) => client.cut(this.#plan.timeoutMs)))
  }

  readonly #onAbort = (): void => this.quit(asError(this.#plan.signal!.reason))
}
