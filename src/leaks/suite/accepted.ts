import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

import type { Leak } from '../../model/leak.ts'
import { asError } from '../../lifetime/throw-all.ts'
import { shortPath } from '../../timeline/frames.ts'

/** By file, function and kind, since lines move. */
interface Accepted {
  readonly file: string
  readonly function: string
  readonly kind: string
}

const FILE = 'netgrace-leaks.json'
const LOCK_TRIES = 400
const LOCK_NAP_MS = 5

/** Whether this run is to write down what leaks, instead of failing for it. */
export function isAccepting(): boolean {
  return process.env['NETGRACE_LEAKS'] === 'accept'
}

/** Those that are not written down in `netgrace-leaks.json`, where the tests run. */
export function notAccepted(leaks: readonly Leak[]): Leak[] {
  const accepted = new Set(leaks.length > 0 ? read().map(keyOf) : [])
  return leaks.filter((leak) => !accepted.has(keyOf(acceptedOf(leak))))
}

/** Adds them to `netgrace-leaks.json`. Test files run in several processes at once: one at a time writes. */
export function accept(leaks: readonly Leak[]): void {
  if (leaks.length === 0) return
  const unlock = lock()
  try {
    const all = new Map([...read(), ...leaks.map(acceptedOf)].map((one) => [keyOf(one), one]))
    const sorted = [...all].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
    writeFileSync(`${path()}.new`, `${JSON.stringify(sorted, undefined, 2)}\n`)
    renameSync(`${path()}.new`, path())
  } finally {
    unlock()
  }
}

function acceptedOf({ kind, site }: Leak): Accepted {
  return { file: site ? shortPath(site.file) : '', function: site?.function ?? '', kind }
}

function keyOf({ file, function: name, kind }: Accepted): string {
  return JSON.stringify([file, name, kind])
}

function path(): string {
  return resolve(FILE)
}

function read(): readonly Accepted[] {
  let text: string
  try {
    text = readFileSync(path(), 'utf8')
  } catch {
    return []
  }
  try {
    const list: unknown = JSON.parse(text)
    if (Array.isArray(list)) return list as Accepted[]
  } catch (error) {
    throw new Error(`${FILE} cannot be read: ${asError(error).message}. Delete it, and run with NETGRACE_LEAKS=accept`, { cause: error })
  }
  throw new Error(`${FILE} must hold a list. Delete it, and run with NETGRACE_LEAKS=accept`)
}

function lock(): () => void {
  const file = `${path()}.lock`
  for (let tries = 0; ; tries++) {
    try {
      closeSync(openSync(file, 'wx'))
      return () => rmSync(file, { force: true })
    } catch (error) {
      if (tries === LOCK_TRIES) throw new Error(`${file} stays: delete it if no run is under way`, { cause: error })
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_NAP_MS)
    }
  }
}
