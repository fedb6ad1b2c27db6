import type { Leak } from '../../model/leak.ts'
import { formatSite } from '../../timeline/frames.ts'
import { isInPackage } from '../report.ts'

/** A leak, and the test file that it outlived. */
export interface TableRow {
  readonly leak: Leak
  readonly testFile: string
}

/** One table over all files, by the line that opened them, the worst first. Empty if nothing leaked. */
export function tableOf(rows: readonly TableRow[]): string {
  if (rows.length === 0) return ''
  const groups = new Map<string, TableRow[]>()
  for (const row of rows) {
    const key = `${kindOf(row.leak)}\n${place(row.leak)}`
    const group = groups.get(key)
    if (group) group.push(row)
    else groups.set(key, [row])
  }
  const lines = [...groups.values()].toSorted((a, b) => b.length - a.length).map(cellsOf)
  const widths = lines[0]!.map((_, column) => lines.reduce((width, cells) => Math.max(width, cells[column]!.length), 0))
  return [
    `${count(rows.length, 'handle')} outlived ${rows.length === 1 ? 'its' : 'their'} test file, opened by ${count(groups.size, 'line')}`,
    '',
    ...lines.map((cells) =>
      `  ${cells.map((cell, n) => (n === 0 ? cell.padStart(widths[n]!) : cell.padEnd(widths[n]!))).join('  ')}`.trimEnd(),
    ),
  ].join('\n')
}

function cellsOf(rows: readonly TableRow[]): string[] {
  const { leak, testFile } = rows[0]!
  const files = new Set(rows.map((row) => row.testFile)).size
  const by = [leak.site?.function, leak.package && `(${leak.package.replace(/(?<=.)@/, ' ')})`].filter(Boolean).join(' ')
  const first = leak.scope !== undefined && leak.site && isInPackage(leak.site) ? `, first in ${JSON.stringify(leak.scope)}` : ''
  return [String(rows.length), kindOf(leak), place(leak), by, `${files === 1 ? testFile : `${files} test files`}${first}`]
}

/** An accepted socket has the line of its listener, as a client that was opened there would. */
function kindOf({ kind, detail }: Leak): string {
  return detail === 'accepted' ? `${kind} accepted` : kind
}

function place({ site }: Leak): string {
  return site ? formatSite(site) : '(no line)'
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}
