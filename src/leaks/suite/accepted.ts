import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'

import { asError } from '../../lifetime/throw-all.ts'
import { shortPath, STARTED_IN } from '../../timeline/frames.ts'
import type { TableRow } from './table.ts'

/** Leaks that one test leaves by one function. Without a line: lines move. */
interface Accepted {
  readonly testFile: string
  /** Empty for what no test opened. */
  readonly test: string
  readonly file: string
  readonly function: string
  readonly kind: string
  readonly count: number
}

type Key = Omit<Accepted, 'count'>

/** What a run has looked at: what is accepted of it and did not leak is mended. */
export interface Covered {
  readonly testFiles: readonly string[]
  /** Whether this test exists and did not run. */
  readonly isSkipped: (test: string) => boolean
}

const FILE = 'netgrace-leaks.json'
const LOCK_TRIES = 400
const LOCK_NAP_MS = 5

/** In the folder in which the run began. */
const PATH = resolve(STARTED_IN, FILE)

/** Whether this run is to write down what leaks, instead of failing for it. */
export function isAccepting(): boolean {
  return process.env['NETGRACE_LEAKS'] === 'accept'
}

/** The leaks that `netgrace-leaks.json` permits: each as often as it stands there. Made for one run of the tests. */
export class Allowance {
  #left: Map<string, number> | undefined

  /** Those that are not permitted. */
  beyond(rows: readonly TableRow[]): TableRow[] {
    if (rows.length === 0) return []
    this.#left ??= new Map(read().map((one) => [keyOf(one), one.count]))
    const left = this.#left
    return rows.filter((row) => {
      const key = keyOf(acceptedOf(row))
      const more = left.get(key) ?? 0
      if (more > 0) left.set(key, more - 1)
      return more === 0
    })
  }
}

/**
 * Writes into `netgrace-leaks.json` what leaked, in place of what was there for the same tests. Test files run in several
 * processes at once: one at a time writes.
 *
 * @returns  A line that says what was written; nothing if there was nothing to write.
 */
export function accept(rows: readonly TableRow[], { testFiles, isSkipped }: Covered): string | undefined {
  if (rows.length === 0 && !existsSync(PATH)) return undefined
  const unlock = lock()
  try {
    const before = read()
    const kept = before.filter(({ testFile, test }) =>
      testFiles.includes(testFile) ? isSkipped(test) : existsSync(resolve(STARTED_IN, testFile)),
    )
    const after = [...kept, ...counted(rows)].toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    const dropped = before.filter((one) => !after.some((other) => keyOf(other) === keyOf(one)))
    if (JSON.stringify(before) === JSON.stringify(after) && rows.length === 0) return undefined
    writeFileSync(`${PATH}.new`, `${JSON.stringify(after, undefined, 2)}\n`)
    renameSync(`${PATH}.new`, PATH)
    const also = dropped.length === 0 ? '' : `, ${sumOf(dropped)} that no longer leak dropped`
    return `netgrace: ${shortPath(PATH)}: ${rows.length} of ${testFiles.join(', ')} accepted${also}`
  } finally {
    unlock()
  }
}

function acceptedOf({ leak: { kind, site, scope = '' }, testFile }: TableRow): Key {
  return { testFile, test: scope, file: site ? shortPath(site.file) : '', function: site?.function ?? '', kind }
}

function counted(rows: readonly TableRow[]): Accepted[] {
  const counts = new Map<string, Accepted>()
  for (const row of rows) {
    const one = acceptedOf(row)
    const key = keyOf(one)
    counts.set(key, { ...one, count: (counts.get(key)?.count ?? 0) + 1 })
  }
  return [...counts.values()]
}

function sumOf(entries: readonly Accepted[]): number {
  return entries.reduce((sum, { count }) => sum + count, 0)
}

function keyOf({ testFile, test, file, function: name, kind }: Key): string {
  return JSON.stringify([testFile, test, file, name, kind])
}

function read(): readonly Accepted[] {
  let text: string
  try {
    text = readFileSync(PATH, 'utf8')
  } catch {
    return []
  }
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch (error) {
    throw new Error(`${PATH} cannot be read: ${asError(error).message}. ${ANEW}`, { cause: error })
  }
  if (!Array.isArray(list) || !list.every(isAccepted))
    throw new Error(`${PATH} must hold a list of objects with testFile, test, file, function, kind and count. ${ANEW}`)
  return list
}

const ANEW = 'Delete it, and run with NETGRACE_LEAKS=accept'

function isAccepted(one: unknown): one is Accepted {
  if (typeof one !== 'object' || one === null) return false
  const { testFile, test, file, function: name, kind, count } = one as Record<keyof Accepted, unknown>
  return [testFile, test, file, name, kind].every((text) => typeof text === 'string') && Number.isInteger(count)
}

function lock(): () => void {
  const file = `${PATH}.lock`
  const owner = `${hostname()} ${process.pid}`
  for (let tries = 0; ; tries++) {
    try {
      const fd = openSync(file, 'wx')
      writeSync(fd, owner)
      closeSync(fd)
      return () => rmSync(file, { force: true })
    } catch (error) {
      if (tries === LOCK_TRIES) throw new Error(`${file} stays: delete it if no run is under way`, { cause: error })
      if (isAbandoned(file)) rmSync(file, { force: true })
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_NAP_MS)
    }
  }
}

/** Its process, on this machine, is gone. */
function isAbandoned(file: string): boolean {
  try {
    const [host, pid] = readFileSync(file, 'utf8').split(' ')
    if (host !== hostname() || pid === undefined) return false
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
