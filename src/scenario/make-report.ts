import { messageOf } from '../lifetime/throw-all.ts'
import type { EndingKind } from '../model/ending.ts'
import { latencyOf } from './latency.ts'
import { plainError } from './plain-error.ts'
import type { ClientReport, Latency, ScenarioReport } from './report.ts'
import { ScenarioError } from './scenario-error.ts'
import type { Plan } from './scenario-options.ts'

/** What a report is made of. */
export interface Outcome {
  readonly plan: Plan
  readonly clients: readonly ClientReport[]
  /** Of all clients. */
  readonly roundTripsMs: readonly number[]
  readonly durationMs: number
  /** What `onProgress` threw. */
  readonly callbackError: Error | undefined
}

export function makeReport(outcome: Outcome): ScenarioReport {
  return new Report(outcome)
}

/** A class, so that its functions are no part of its data. */
class Report implements ScenarioReport {
  readonly ok: boolean
  readonly summary: string
  readonly clients: readonly ClientReport[]
  readonly sent: number
  readonly echoed: number
  readonly mismatched: number
  readonly endings: Readonly<Record<EndingKind, number>>
  readonly latencyMs: Latency
  readonly messagesPerSecond: number
  readonly durationMs: number
  readonly #callbackError: Error | undefined

  constructor({ plan, clients, roundTripsMs, durationMs, callbackError }: Outcome) {
    const total = (of: 'sent' | 'echoed' | 'mismatched'): number => clients.reduce((sum, client) => sum + client[of], 0)
    this.#callbackError = callbackError
    this.ok = !callbackError && clients.every(({ error }) => !error)
    this.clients = clients
    this.sent = total('sent')
    this.echoed = total('echoed')
    this.mismatched = total('mismatched')
    this.endings = countEndings(clients)
    this.latencyMs = latencyOf(roundTripsMs)
    this.messagesPerSecond = durationMs > 0 ? this.echoed / (durationMs / 1000) : 0
    this.durationMs = durationMs
    this.summary = summaryOf(this, plan, callbackError)
  }

  assertOk(): void {
    if (!this.ok) throw new ScenarioError(this, { cause: this.#callbackError ?? this.clients.find(({ error }) => error)?.error })
  }

  toJSON(): object {
    const clients = this.clients.map(({ ending, error, ...rest }) => ({
      ...rest,
      ending: { ...ending, ...(ending.cause && { cause: plainError(ending.cause) }) },
      ...(error && { error: plainError(error) }),
    }))
    return Object.assign({}, this, { clients })
  }
}

function countEndings(clients: readonly ClientReport[]): Record<EndingKind, number> {
  const endings: Record<EndingKind, number> = { eof: 0, reset: 0, closed: 0, refused: 0, timeout: 0, lost: 0, error: 0 }
  for (const { ending } of clients) endings[ending.kind]++
  return endings
}

function summaryOf(report: ScenarioReport, plan: Plan, callbackError: Error | undefined): string {
  const failed = report.clients.filter(({ error }) => error).length
  const lost = report.sent - report.echoed - report.mismatched
  const parts = [
    failed > 0 ? `${failed} of ${count(plan.clients, 'client')} failed` : count(plan.clients, 'client'),
    `${report.echoed} of ${count(plan.clients * plan.messages, 'message')} echoed`,
  ]
  if (report.mismatched > 0) parts.push(`${report.mismatched} changed on the way`)
  if (lost > 0) parts.push(`${lost} lost`)
  if (callbackError) parts.push(`onProgress threw: ${messageOf(callbackError)}`)
  return `${parts.join(', ')}, in ${Math.round(report.durationMs)} ms`
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
