import type { Timeline } from './timeline.ts'

/** How many lines a story has at most; of a longer one the latest are told. */
const LINES = 60

/** What happened, told for people on one clock: every part's entries, in their order. */
export function tellStory(timeline: Timeline): string {
  const entries = timeline.entries()
  const told = entries.slice(-LINES)
  const width = Math.max(0, ...told.map(({ of }) => of.length))
  const lines = told.map(
    ({ atMs, of, what, detail }) => `${sinceStart(timeline, atMs)}  ${of.padEnd(width)}  ${what}${detail && ` ${detail}`}`,
  )
  if (told.length < entries.length) lines.unshift(`  … ${entries.length - told.length} earlier entries`)
  return lines.join('\n')
}

function sinceStart(timeline: Timeline, atMs: number): string {
  return `${(atMs - timeline.startedAtMs).toFixed(1).padStart(9)} ms`
}
