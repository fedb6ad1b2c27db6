import type { Birth } from './birth.ts'
import { formatSite, framesOf } from '../timeline/frames.ts'
import { openerOf } from './opener.ts'

/** Without the handles that are part of another one that is open: it is told once, as what the user opened. */
export function withoutParts(births: readonly Birth[]): Birth[] {
  const children = new Set(births.filter(({ type }) => type === 'PROCESSWRAP').map(siteOf))
  const watches = new Set<string>()
  return births.filter((birth) => {
    // A child's pipes and its channel are made in the same call.
    if (birth.type === 'PIPEWRAP' && isMadeBy(birth, 'node:internal/child_process')) return !children.has(siteOf(birth))
    // A recursive watch holds one watcher a folder and file on Linux.
    if (birth.type !== 'FSEVENTWRAP' || !isMadeBy(birth, 'node:internal/fs/recursive_watch')) return true
    const first = !watches.has(siteOf(birth))
    watches.add(siteOf(birth))
    return first
  })
}

function isMadeBy({ stack }: Birth, module: string): boolean {
  return framesOf(stack).some(({ file }) => file === module)
}

function siteOf(birth: Birth): string {
  const { site } = openerOf(birth)
  return site ? formatSite(site) : ''
}
