import { randomUUID } from 'node:crypto'
import { appendFileSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { tableOf, type TableRow } from './table.ts'

/** Names the file in which the processes of one run gather their rows: whoever prints sets it, and their children inherit it. */
const NAME = 'NETGRACE_LEAK_ROWS'

/** From here on, in this process and those that it starts, {@link tellRows} gathers instead of printing. */
export function gatherRows(): void {
  process.env[NAME] = join(tmpdir(), `netgrace-leaks-${process.pid}-${randomUUID()}`)
}

/** What `mode: 'report'` found: for the one table of the run, or printed at once where nobody gathers. */
export function tellRows(rows: readonly TableRow[]): void {
  const file = process.env[NAME]
  if (rows.length === 0) return
  if (file === undefined) printTable(rows)
  else appendFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}

/** All that was gathered; it is not there a second time. */
export function gatheredRows(): TableRow[] {
  const file = process.env[NAME]
  if (file === undefined) return []
  try {
    return readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as TableRow)
  } catch {
    return [] // nobody had anything to tell
  } finally {
    rmSync(file, { force: true })
  }
}

export function printTable(rows: readonly TableRow[]): void {
  const table = tableOf(rows)
  if (table !== '') process.stdout.write(`\n${table}\n\n`)
}
