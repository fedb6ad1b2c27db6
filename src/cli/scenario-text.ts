import { groupByOpener } from '../leaks/report.ts'
import { formatSite } from '../timeline/frames.ts'
import type { Ending } from '../model/ending.ts'
import type { Leak } from '../model/leak.ts'
import type { StopReport } from '../model/stop-report.ts'
import type { ClientReport, ScenarioReport } from '../scenario/report.ts'
import { digits, formatMs } from './duration.ts'
import { columns, labelled, ranges, widthOf } from './layout.ts'
import type { Paint } from './paint.ts'
import { counted } from './verdict.ts'

/** So many clients have a line each; of more, those that failed. */
const SHOWN = 20

/** Columns of the table. */
const [P50, ENDED] = [5, 7]

const LATENCIES = ['min', 'mean', 'p50', 'p90', 'p99', 'max'] as const

/** A text for people, `width` wide. */
export interface Sheet {
  readonly width: number
  readonly paint: Paint
}

/** The clients, one a line, and below them what went wrong, each trouble once. */
export function clientTable({ clients }: ScenarioReport, { width, paint }: Sheet): string[] {
  const failed = clients.filter(({ error }) => error)
  const shown = (clients.length <= SHOWN ? clients : failed.length > 0 ? failed : clients).slice(0, SHOWN)
  const head = ['client', 'sent', 'echoed', 'changed', 'lost', 'p50', 'max', 'ended'].map((title) => paint('dim', title))
  const table = [head, ...shown.map((client) => rowOf(client, paint))]
  const whole = indented(columns(table, [ENDED]))
  const fits = whole.every((line) => widthOf(line) <= width)
  const lines = fits
    ? whole
    : indented(
        columns(
          table.map((row) => row.toSpliced(P50, 1)),
          [ENDED - 1],
        ),
      ) // it stands among the totals, too
  const rest = clients.length - shown.length
  const more = failed.length > SHOWN ? `, ${failed.length - SHOWN} of them failed` : failed.length > 0 ? ', none of them failed' : ''
  if (rest > 0) lines.push(paint('dim', `  and ${rest} more${more}; --json has them all`))
  return [...lines, ...troubles(failed, width)]
}

/** Messages, latency, the server's stop report, the leak check. */
export function totals(report: ScenarioReport, server: StopReport | undefined, leaks: readonly Leak[], { width, paint }: Sheet): string[] {
  const { sent, echoed, mismatched, latencyMs: latency, durationMs } = report
  const rate = `${Math.round(report.messagesPerSecond)} a second`
  const replies = [`${echoed} of ${sent} echoed`, bad(mismatched, 'changed', paint), bad(sent - echoed - mismatched, 'lost', paint)]
  const round = Number.isNaN(latency.p50) ? 'no reply came' : `${LATENCIES.map((of) => `${of} ${digits(latency[of])}`).join(', ')} ms`
  const line = (label: string, text: string): string[] => labelled(`  ${paint('bold', label.padEnd(7))}  `, text, width)
  return [
    ...line('replies', `${replies.join(', ')}, in ${formatMs(durationMs)} (${rate})`),
    ...line('latency', round),
    ...(server ? line('server', stopped(server)) : []),
    ...(server?.errors ?? []).flatMap(({ message }) => line('', `a handler failed: ${message}`)),
    ...line('leaks', leaks.length === 0 ? 'no handle left' : paint('red', `${counted(leaks.length, 'handle')} left open`)),
    ...[...groupByOpener(leaks).values()].flatMap((group) => line('', leakLine(group))),
  ]
}

function rowOf({ id, sent, echoed, mismatched, latency, ending, error }: ClientReport, paint: Paint): string[] {
  const lost = sent - echoed - mismatched
  const name = error ? paint('red', `#${id}`) : `#${id}`
  return [
    name,
    String(sent),
    String(echoed),
    bad(mismatched, '', paint),
    bad(lost, '', paint),
    formatMs(latency.p50),
    formatMs(latency.max),
    endingWord(ending),
  ]
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`)
}

function bad(count: number, what: string, paint: Paint): string {
  const text = `${count} ${what}`.trimEnd()
  return count > 0 ? paint('red', text) : text
}

function endingWord({ kind, by }: Ending): string {
  return `${kind}, ${by === 'local' ? 'by us' : 'by the peer'}`
}

function troubles(failed: readonly ClientReport[], width: number): string[] {
  const groups = new Map<string, number[]>()
  for (const { id, error } of failed) groups.set(error!.message, [...(groups.get(error!.message) ?? []), id])
  const told = [...groups].slice(0, SHOWN).flatMap(([message, ids]) => labelled(`  ${ranges(ids)}: `, message, width))
  const untold = groups.size - SHOWN
  if (untold > 0) told.push(`  and ${untold} troubles more; --json has them all`)
  return told.length > 0 ? ['', ...told] : []
}

function leakLine(group: readonly Leak[]): string {
  const { kind, detail, site } = group[0]!
  return `${group.length} × ${[kind, detail].filter(Boolean).join(' ')}, opened by ${site ? `${site.function} ${formatSite(site)}`.trim() : 'Node itself'}`
}

/** A stop report in a line. */
export function stopped({ accepted, endedBefore, drained, forced, unsettled, late, handshakes, durationMs }: StopReport): string {
  const counts = [
    `${accepted} accepted, ${endedBefore} ended before, ${drained.length} drained, ${forced.length} forced, ${late} late`,
    unsettled.length > 0 && `${counted(unsettled.length, 'handler')} never settled`,
    handshakes.failed > 0 && `${counted(handshakes.failed, 'TLS handshake')} failed`,
    handshakes.pending > 0 && `${counted(handshakes.pending, 'TLS handshake')} cut off`,
  ]
  return `${counts.filter(Boolean).join(', ')} (${formatMs(durationMs)})`
}
