import { formatSite, framesOf } from './frames.ts'
import type { Failure, Timeline, TimelineEntry } from './timeline.ts'

/** How many lines a story has at most; of a longer one the latest are told, those of the closing last. */
const LINES = 60

/** Before each part of a story. */
export const HEADING = 'netgrace: '

/** How many handlers' errors a story begins with. */
const ERRORS = 3

export interface StoryOptions {
  /** Tells only what happened from then on: of a timeline that serves many tests. */
  readonly sinceMs?: number
  /** What the test itself failed with: an error of a handler that is this one is not told twice. */
  readonly error?: string
}

/** What happened, told for people on one clock: what handlers threw, then every part's entries, in their order. */
export function tellStory(timeline: Timeline, { sinceMs = 0, error = '' }: StoryOptions = {}): string {
  const failures = timeline.failures.filter((one) => one.atMs >= sinceMs && !error.includes(one.error.message))
  const heading = failures.length > 0 ? `${tellFailures(failures)}\n\n${HEADING}` : ''
  const story = `${heading}what happened\n${tellEntries(timeline, sinceMs)}`
  timeline.told = story
  return story
}

function tellFailures(failures: readonly Failure[]): string {
  const told = failures.slice(0, ERRORS).map(({ of, error }) => {
    const frame = framesOf(error).find(({ whose }) => whose === 'user')
    const message = error.message.replaceAll('\n', '\n  ')
    return `the handler of ${of} threw\n  ${error.name}: ${message}${frame ? `\n      at ${formatSite(frame)}` : ''}`
  })
  if (failures.length > ERRORS) told.push(`and ${failures.length - ERRORS} more handlers threw`)
  return `first, ${told.join('\n')}`
}

function tellEntries(timeline: Timeline, sinceMs: number): string {
  const entries = timeline.entries().filter(({ atMs }) => atMs >= sinceMs)
  const open = entries.length > LINES ? entries.filter((one) => one.of === 'rig' || one.atMs <= timeline.closingSinceMs) : entries
  const told = open.slice(-LINES)
  const width = Math.max(0, ...told.map(({ of }) => of.length))
  const lines = told.map((entry) => tellEntry(timeline, entry, width))
  if (told.length < open.length) lines.unshift(`  … ${open.length - told.length} earlier entries`)
  if (open.length < entries.length) lines.push(`  … ${entries.length - open.length} entries of the closing`)
  return lines.join('\n')
}

function tellEntry(timeline: Timeline, { atMs, of, what, detail }: TimelineEntry, width: number): string {
  const sinceStart = (atMs - timeline.startedAtMs).toFixed(1).padStart(9)
  return `${sinceStart} ms  ${of.padEnd(width)}  ${what}${detail && ` ${detail}`}`
}
