import type { Leak, LeakFilter } from '../model/leak.ts'
import { slashed } from '../timeline/frames.ts'

export function isIgnored(leak: Leak, filters: readonly LeakFilter[]): boolean {
  return filters.some((filter) => matches(leak, filter))
}

function matches(leak: Leak, filter: LeakFilter): boolean {
  if (typeof filter === 'function') return filter(leak)
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
