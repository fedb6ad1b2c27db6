import type { Leak } from '../../model/leak.ts'
import { formatSite } from '../../timeline/frames.ts'

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
    const key = `${row.leak.kind}\n${place(row.leak)}`
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  const lines = [...groups.values()].toSorted((a, b) => b.length - a.length).map(cellsOf)
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)))
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
  return [String(rows.length), leak.kind, place(leak), by, files === 1 ? testFile : `${files} test files`]
}

function place({ site }: Leak): string {
  return site ? formatSite(site) : '(no line)'
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}
