import { NetgraceError } from '../model/errors.ts'
import type { ClientReport, ScenarioReport } from './report.ts'

/** So many clients are told of one by one. */
const TOLD = 20

/** A scenario was no success: the message says it client by client, {@link report} has it all. Code `ERR_NETGRACE_SCENARIO`. */
export class ScenarioError extends NetgraceError {
  readonly report: ScenarioReport

  constructor(report: ScenarioReport, options?: ErrorOptions) {
    super('ERR_NETGRACE_SCENARIO', wording(report), options)
    this.report = report
  }

  static {
    this.prototype.name = 'ScenarioError'
  }
}

function wording({ summary, clients }: ScenarioReport): string {
  const failed = clients.filter(({ error }) => error)
  const lines = failed.slice(0, TOLD).map(told)
  if (failed.length > TOLD) lines.push(`  and ${failed.length - TOLD} more`)
  return [summary, ...lines].join('\n')
}

function told({ id, sent, echoed, mismatched, error }: ClientReport): string {
  const changed = mismatched > 0 ? `, ${mismatched} changed` : ''
  return `  client #${id}: ${sent} sent, ${echoed} echoed${changed}; ${error!.message}`
}
