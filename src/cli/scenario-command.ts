import { findLeaks } from '../leaks/find.ts'
import { endpointOf, formatEndpoint, type Endpoint } from '../model/endpoint.ts'
import type { StopReport } from '../model/stop-report.ts'
import type { ScenarioReport } from '../scenario/report.ts'
import { LONGEST_TIMER_MS, MOST_MESSAGES, tooMany, workersFor, type ScenarioOptions } from '../scenario/scenario-options.ts'
import { startScenario } from '../scenario/scenario-run.ts'
import { startEchoServer } from '../server/start-server.ts'
import { Timeline } from '../timeline/timeline.ts'
import { Interrupts } from './interrupts.ts'
import { labelled } from './layout.ts'
import { stderr, stdout } from './output.ts'
import { clientTable, totals } from './scenario-text.ts'
import { noStatus, statusOn, type Status } from './status.ts'
import { asJson, sheetWidth } from './tell.ts'
import { counted, verdictOn } from './verdict.ts'

/** What the whole may take by default, beside the pauses: a person waits longer than a test. Milliseconds. */
export const TIMEOUT_MS = 30_000

export interface ScenarioArguments {
  readonly clients: number
  readonly messages: number
  readonly interval: number
  readonly in: 'inline' | 'thread' | 'process'
  readonly workers?: number
  readonly to?: Endpoint
  readonly timeout?: number
  readonly json?: true
}

/** What a run came to. */
interface Outcome {
  readonly scenario: ScenarioReport
  /** Of our own server. */
  readonly server: StopReport | undefined
}

type Print = (lines: readonly string[]) => void

/** Runs a scenario, prints what became of it, and gives the exit code. */
export async function scenarioCommand(options: ScenarioArguments): Promise<number> {
  using interrupts = new Interrupts()
  const print: Print = (lines) => stdout.print(`${lines.join('\n')}\n`)
  let outcome: Outcome | undefined
  const leaks = await findLeaks(async () => {
    using status = options.json ? noStatus : statusOn(stderr)
    outcome = await run(options, interrupts, status, options.json ? () => {} : print)
  })

  const { scenario, server } = outcome!
  const interrupted = interrupts.first
  const { ok, exitCode, style, text } = verdictOn(scenario, server, leaks, interrupted)
  if (options.json) {
    print([asJson({ ok, interrupted: interrupted ?? null, scenario, server: server ?? null, leaks }, 2)])
  } else {
    const sheet = { paint: stdout.paint, width: sheetWidth() }
    const words = labelled('', text, sheet.width).map((line) => sheet.paint(style, line))
    print(['', ...clientTable(scenario, sheet), '', ...totals(scenario, server, leaks, sheet), '', ...words])
  }
  return exitCode
}

async function run(options: ScenarioArguments, interrupts: Interrupts, status: Status, print: Print): Promise<Outcome> {
  const own = options.to ? undefined : await startEchoServer()
  try {
    const to = options.to ?? endpointOf(own!)
    print(headline(options, to, own !== undefined))
    const under = startScenario(to, scenarioOptions(options, status), new Timeline())
    interrupts.onFirst((interrupt) => {
      status.say(`${interrupt}: waiting for replies on their way, 1 s at most; again to cut them`)
      under.quit(new Error(interrupt))
    })
    interrupts.onSecond((interrupt) => {
      status.say(`${interrupt} again: cut`)
      under.force() // our own server has nothing left then
    })
    return { scenario: await under.report, server: await own?.stop() }
  } finally {
    await own?.stop()
  }
}

function scenarioOptions({ clients, messages, interval, in: where, workers, timeout }: ScenarioArguments, status: Status): ScenarioOptions {
  return {
    clients,
    messages,
    intervalMs: interval,
    in: where,
    ...(workers !== undefined && { workers }),
    timeoutMs: timeout ?? Math.min(TIMEOUT_MS + interval * (messages - 1), LONGEST_TIMER_MS),
    onProgress: (progress) => status.show(progress),
  }
}

function workersIn(where: 'thread' | 'process', n: number): string {
  return n === 1 ? `1 ${where}` : `${n} ${where === 'thread' ? 'threads' : 'processes'}`
}

/** What no single option can say; nothing if they go together. */
export function wrongScenario({ in: where, workers, clients, messages }: ScenarioArguments): string | undefined {
  if (workers !== undefined && where === 'inline') return '--workers goes with --in thread or --in process'
  if (tooMany(clients, messages)) return `--clients times --messages must be at most ${MOST_MESSAGES}`
  return undefined
}

function headline({ clients, messages, interval, in: where, workers }: ScenarioArguments, to: Endpoint, isOwn: boolean): string[] {
  const parts = [counted(clients, 'client'), `${counted(messages, 'message')} each`]
  if (where !== 'inline') parts[0] += ` in ${workersIn(where, workersFor(clients, workers))}`
  if (interval > 0) parts.push(`${interval} ms apart`)
  return labelled('', `${parts.join(', ')}, to ${formatEndpoint(to)}${isOwn ? ' (our own echo)' : ''}`, sheetWidth())
}
