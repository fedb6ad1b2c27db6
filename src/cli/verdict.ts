import type { Leak } from '../model/leak.ts'
import type { StopReport } from '../model/stop-report.ts'
import type { ScenarioReport } from '../scenario/report.ts'
import { EXIT_CODES, type Interrupt } from './interrupts.ts'
import type { Style } from './paint.ts'

export interface Verdict {
  readonly ok: boolean
  readonly exitCode: number
  readonly style: Style
  readonly text: string
}

/** What it all came to: one line, and an exit code. An interrupt is told before anything else. */
export function verdictOn(
  scenario: ScenarioReport,
  server: StopReport | undefined,
  leaks: readonly Leak[],
  interrupted: Interrupt | undefined,
): Verdict {
  const troubles: string[] = []
  if (!scenario.ok) troubles.push(scenario.summary)
  if (leaks.length > 0) troubles.push(`${counted(leaks.length, 'handle')} left open`)
  if (server && !isClean(server)) troubles.push('the server was not done with its connections')
  const ok = troubles.length === 0
  if (interrupted) return { ok, exitCode: EXIT_CODES[interrupted], style: 'yellow', text: `stopped by ${interrupted}` }
  if (ok) return { ok, exitCode: 0, style: 'green', text: `ok: ${scenario.summary}` }
  return { ok, exitCode: 1, style: 'red', text: `failed: ${troubles.join('; ')}` }
}

export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** Nothing went on at the server when its grace was over, and its handlers threw nothing. */
export function isClean({ forced, unsettled, errors }: StopReport): boolean {
  return forced.length + unsettled.length + errors.length === 0
}
