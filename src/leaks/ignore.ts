import { isError } from '../model/brand.ts'
import type { Leak, LeakFilter } from '../model/leak.ts'
import { formatSite, slashed } from '../timeline/frames.ts'

/** @throws {Error}  A filter that is a function threw, or promised something: what it would have said is not known. */
export function isIgnored(leak: Leak, filters: readonly LeakFilter[]): boolean {
  return filters.some((filter, n) => (typeof filter === 'function' ? says(filter, n, leak) : matches(leak, filter)))
}

function says(filter: (leak: Leak) => unknown, n: number, leak: Leak): boolean {
  const asked = `ignore[${n}], asked about a ${leak.kind}${leak.site ? ` opened at ${formatSite(leak.site)}` : ''},`
  let answer: unknown
  try {
    answer = filter(leak)
  } catch (error) {
    const reason = isError(error) ? `${error.name}: ${error.message}` : String(error)
    throw new Error(`${asked} threw ${reason}`, { cause: error })
  }
  if (typeof (answer as PromiseLike<unknown> | undefined)?.then === 'function')
    throw new TypeError(`${asked} must return true or false, got a promise`)
  return Boolean(answer)
}

function matches(leak: Leak, filter: Exclude<LeakFilter, (...args: never[]) => unknown>): boolean {
  if (filter.kind !== undefined && leak.kind !== filter.kind) return false
  if (filter.unref !== undefined && leak.unref !== filter.unref) return false
  if (filter.package !== undefined && !isOf(leak.package, filter.package)) return false
  return filter.file === undefined || (leak.site !== undefined && isIn(slashed(leak.site.file), filter.file))
}

function isOf(found: string | undefined, name: string): boolean {
  return found !== undefined && (found === name || found.startsWith(`${name}@`))
}

function isIn(path: string, file: string | RegExp): boolean {
  if (typeof file !== 'string') return new RegExp(file, file.flags.replaceAll(/[gy]/g, '')).test(path)
  const wanted = `/${slashed(file).replace(/^(?:\.?\/)+/, '')}`
  return wanted.endsWith('/') ? path.includes(wanted) : path.endsWith(wanted)
}
