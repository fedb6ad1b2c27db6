import { AbortController } from '../lifetime/realm.ts'
import type { NetClient } from '../client/client.ts'
import { Dialling } from '../client/dialling.ts'
import { asError } from '../lifetime/throw-all.ts'
import type { Ending } from '../model/ending.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { ConnectError, NetgraceError } from '../model/errors.ts'
import { now } from '../timeline/clock.ts'
import type { Timeline } from '../timeline/timeline.ts'
import { Conversation } from './conversation.ts'
import { endedWhile, stopped } from './cut-short.ts'
import type { Gate } from './gate.ts'
import { latencyOf } from './latency.ts'
import type { Counter } from './progress-teller.ts'
import type { ClientReport } from './report.ts'
import type { Task } from './task.ts'

/** The ending of a client that never had a socket: it was stopped before its turn to dial. */
export const NEVER_DIALLED: Ending = {
  kind: 'closed',
  by: 'local',
  phase: 'connecting',
  certain: true,
  bytesRead: 0,
  bytesWritten: 0,
  durationMs: 0,
}

const NO_TIMES: readonly number[] = []

/**
 * One client of a scenario: dials, holds its {@link Conversation}, closes.
 *
 * 1. {@link run} always comes to a report: whatever goes wrong is its `error`, and the first cause wins.
 * 2. {@link quit} lets the reply that is on its way come; {@link cut} does not. Both may come at any time.
 */
export class ScenarioClient {
  readonly id: number
  readonly #task: Task
  readonly #progress: Counter
  readonly #timeline: Timeline
  /** Of a wait for its turn to dial, where there is one. */
  #queueing: AbortController | undefined
  #leaveGate = (): void => {}
  #dialling: Dialling | undefined
  #client: NetClient | undefined
  #conversation: Conversation | undefined
  #startedAtMs = now()
  #closingSinceMs: number | undefined
  #quitReason: Error | undefined
  #timedOut = false
  #error: Error | undefined

  constructor(id: number, task: Task, progress: Counter, timeline: Timeline) {
    this.id = id
    this.#task = task
    this.#progress = progress
    this.#timeline = timeline
  }

  get roundTripsMs(): readonly number[] {
    return this.#conversation?.roundTripsMs ?? NO_TIMES
  }

  /** @param gate  where there are so many that they must not dial all at once */
  async run(gate?: Gate): Promise<ClientReport> {
    if (gate) {
      this.#queueing = new AbortController()
      this.#leaveGate = await gate.enter(this.#queueing.signal)
    }
    const ending = await this.#live()
    this.#leaveGate()
    const { sent = 0, echoed = 0, mismatched = 0, firstMismatch } = this.#conversation ?? {}
    const error = this.#error ?? this.#badEnd(ending) ?? firstMismatch
    return { id: this.id, sent, echoed, mismatched, ending, latency: latencyOf(this.roundTripsMs), error }
  }

  /** No new message; what is on its way may still come. */
  quit(reason: Error): void {
    this.#quitReason ??= reason
    this.#conversation?.quit(reason)
    if (this.#client) return
    this.#error ??= stopped(`while ${this.#doing}`, reason)
    this.#dialNoMore(reason)
  }

  /** Ends it now; what it was doing goes into its report. */
  cut(timeoutMs: number): void {
    const doing = `${this.#doing} since ${Math.round(now() - this.#doingSinceMs)} ms`
    this.#timedOut = !this.#quitReason
    this.#error ??= this.#quitReason
      ? stopped(`and cut while ${doing}`, this.#quitReason)
      : new NetgraceError('ERR_NETGRACE_TIMEOUT', `not done within ${timeoutMs} ms: ${doing}`)
    this.#conversation?.cut()
    if (!this.#client) this.#dialNoMore(this.#error)
    else if (this.#timedOut) this.#client.giveUp('timeout', this.#error)
    else this.#client.force()
  }

  #dialNoMore(reason: Error): void {
    this.#queueing?.abort(reason)
    this.#dialling?.giveUp('closed', reason)
  }

  async #live(): Promise<Ending> {
    if (this.#error) return this.#unopened(NEVER_DIALLED)
    this.#startedAtMs = now()
    const { to, connectTimeoutMs, closeTimeoutMs } = this.#task
    let client: NetClient
    try {
      this.#dialling = new Dialling(to, { connectTimeoutMs, closeTimeoutMs }, this.#timeline)
      client = await this.#dialling.client
    } catch (thrown) {
      this.#error ??= asError(thrown)
      return this.#unopened(thrown instanceof ConnectError ? thrown.ending : NEVER_DIALLED)
    }
    this.#client = client
    if (this.#timedOut) client.giveUp('timeout', this.#error)
    this.#progress.count('connected')
    if (!this.#error) await this.#talk(client)
    this.#closingSinceMs = now()
    return client.closeWithin(closeTimeoutMs)
  }

  async #talk(client: NetClient): Promise<void> {
    const conversation = new Conversation(client, this.id, this.#task, this.#progress, this.#leaveGate)
    this.#conversation = conversation
    try {
      await conversation.hold()
    } catch (thrown) {
      this.#error ??= asError(thrown)
    }
  }

  /** Of a dial that the deadline cut: the signal was only our way to say that time was up. */
  #unopened(ending: Ending): Ending {
    return this.#timedOut ? { ...ending, kind: 'timeout' } : ending
  }

  /** All replies are there, but the connection did not end with a goodbye, or brought more than replies. */
  #badEnd(ending: Ending): Error | undefined {
    if (ending.kind !== 'eof') return endedWhile('closing after its last message', ending)
    const surplus = ending.bytesRead - (this.#conversation?.repliedBytes ?? 0)
    return surplus > 0 ? new NetgraceError('ERR_NETGRACE_SCENARIO', `${surplus} bytes came after the last reply`) : undefined
  }

  get #doing(): string {
    if (this.#closingSinceMs !== undefined) return 'waiting for the peer to close in answer'
    return this.#conversation?.doing ?? `connecting to ${formatEndpoint(this.#task.to)}`
  }

  get #doingSinceMs(): number {
    return this.#closingSinceMs ?? this.#conversation?.sinceMs ?? this.#startedAtMs
  }
}
