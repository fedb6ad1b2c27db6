import { formatEndpoint } from '../model/endpoint.ts'
import type { Leak, LeakSite } from '../model/leak.ts'
import { formatSite, shortPath, slashed } from '../timeline/frames.ts'

/** A report of more lines is read by no person, and a runner takes it apart for minutes. */
const MOST_LINES = 1000

/** What leaked, worded for somebody who did not write the code. The same line is told once, however often it leaked. */
export function reportLeaks(leaks: readonly Leak[], after: string, hint: string, orphans: readonly Leak[] = []): string {
  const width = [...leaks, ...orphans].reduce((longest, { kind }) => Math.max(longest, kind.length), 0)
  const verb = leaks.length === 1 ? '1 handle was' : `${leaks.length === 0 ? 'No' : leaks.length} handles were`
  const shared = leaks.find(({ site }) => site) ?? orphans.find(({ site }) => site)
  const describe = (list: readonly Leak[]): string[] => describeGroups([...groupByOpener(list).values()], width)
  return [
    `${verb} still open ${after}`,
    ...(leaks.length === 0 ? [] : ['', ...describe(leaks)]),
    ...(orphans.length === 0
      ? []
      : [
          '',
          `${orphans.length} more ${orphans.length === 1 ? 'was' : 'were'} opened meanwhile, in no test's context`,
          '',
          ...describe(orphans),
        ]),
    ...(shared ? ['', `  Shared on purpose?  ${hint.replace('FILTER', filterFor(shared))}`] : []),
  ].join('\n')
}

/** Where no line of the user's is to be seen, the package's name says more than its file. */
function filterFor({ site, package: name = '' }: Leak): string {
  const nameAlone = name.replace(/(?<=.)@.*/, '')
  return nameAlone !== '' && isInPackage(site!) ? `{ package: '${nameAlone}' }` : `{ file: '${shortPath(site!.file)}' }`
}

/** Leaks of one kind that one line opened. */
export function groupByOpener(leaks: readonly Leak[]): ReadonlyMap<string, readonly Leak[]> {
  const groups = new Map<string, Leak[]>()
  for (const leak of leaks) {
    const key = `${leak.kind} ${leak.site ? formatSite(leak.site) : leak.stack}`
    const group = groups.get(key)
    if (group) group.push(leak)
    else groups.set(key, [leak])
  }
  return groups
}

function describeGroups(groups: readonly (readonly Leak[])[], width: number): string[] {
  const rest = groups.slice(MOST_LINES)
  const handles = rest.reduce((sum, group) => sum + group.length, 0)
  return [
    ...groups.slice(0, MOST_LINES).map((group) => describeGroup(group, width)),
    ...(rest.length === 0 ? [] : [`  and ${handles} more, opened by ${rest.length} other ${rest.length === 1 ? 'line' : 'lines'}`]),
  ]
}

function describeGroup(group: readonly Leak[], width: number): string {
  const [first] = group as readonly [Leak, ...Leak[]]
  const more = group.length > 1 ? [`${''.padEnd(width)}  and ${group.length - 1} more that this line opened`] : []
  return [`${first.kind.padEnd(width)}  ${describeLeak(first)}`, ...more, ...openers(first).map((line) => `    ${line}`)]
    .map((line) => `  ${line}`)
    .join('\n')
}

/** One line: addresses, what it is known by, since when it is open, what went through it. */
function describeLeak(leak: Leak): string {
  const facts = [
    ...(leak.kind === 'timer' ? [] : [`open ${Math.round(leak.openMs)} ms`]),
    ...(leak.pid === undefined ? [] : [`pid ${leak.pid}`]),
    ...(leak.bytesWritten === undefined || leak.kind.endsWith('listener')
      ? []
      : [`sent ${leak.bytesWritten} B, received ${leak.bytesRead ?? 0} B`]),
    ...(leak.unref ? ["unref'd"] : []),
  ]
  if (leak.kind === 'timer') return [leak.detail, ...facts].join(', ')
  const name = [ends(leak), leak.detail].filter(Boolean).join('  ')
  return name === '' ? facts.join(', ') : `${name}   ${facts.join(', ')}`
}

function ends({ local, remote }: Leak): string {
  const far = remote && formatEndpoint(remote)
  const near = local && formatEndpoint(local)
  return near && far ? `${near} → ${far}` : (near ?? (far ? `→ ${far}` : ''))
}

function openers(leak: Leak): readonly string[] {
  const lines: [string, string][] = [[opener(leak), leak.site ? formatSite(leak.site) : '']]
  if (leak.onBehalfOf) lines.push(['on behalf of', formatSite(leak.onBehalfOf)])
  if (leak.scope !== undefined) lines.push(['in', JSON.stringify(leak.scope)])
  if (leak.queue !== undefined) lines.push(['in a queue of', `${spaced(leak.queue)}, perhaps for another test`])
  const width = Math.max(...lines.map(([label]) => label.length))
  return lines.map(([label, where]) => `${label.padEnd(width)}   ${where}`.trimEnd())
}

function opener({ kind, site, package: name }: Leak): string {
  const verb = kind === 'timer' ? 'started by' : 'opened by'
  if (!site) return `${verb} Node, for code that cannot be told`
  if (name === undefined) return `${verb} ${site.function}`.trim()
  const by = `${verb} ${spaced(name)}`
  return isInPackage(site) ? by : `${by}, used by ${site.function}`.trim()
}

/** `name version`. */
function spaced(name: string): string {
  return name.replace(/(?<=.)@/, ' ')
}

export function isInPackage({ file }: LeakSite): boolean {
  return slashed(file).includes('/node_modules/')
}
