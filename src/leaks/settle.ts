import { setTimer, turn } from '../lifetime/timers.ts'
import type { Leak, LeakOptions } from '../model/leak.ts'
import { now } from '../timeline/clock.ts'
import type { Birth } from './birth.ts'
import { isIgnored } from './ignore.ts'
import { isOpen, kindOf } from './kinds.ts'
import { leakOf } from './leak-of.ts'
import { isNoise } from './noise.ts'
import { DEFAULT_WITHIN_MS } from './options.ts'
import { withoutParts } from './parts.ts'

/** A close is complete within three turns. */
const TURNS = 4
const LONGEST_NAP_MS = 20
/** What part of the time a line is given that has used up all of it before. */
const AGAIN = 1 / 10

/** A handle that did not close, and what is to be told of it. */
export interface Found {
  readonly birth: Birth
  readonly leak: Leak
}

/**
 * What of these is still open, after what is closing has had the time to: four turns for what was closed and not awaited,
 * then naps up to `withinMs`, for which only a real leak pays.
 *
 * @param births    Asked again after each nap.
 * @param isKnown   Whether the same line has leaked before: then the naps end after a tenth of the time.
 */
export async function settle(
  births: () => Birth[],
  options: LeakOptions,
  isKnown: (leak: Leak) => boolean = () => false,
): Promise<readonly Found[]> {
  const withinMs = options.withinMs ?? DEFAULT_WITHIN_MS
  const sinceMs = now()
  await turn() // `listen(port, host)` opens its handle only behind the code that called it
  for (let n = 1; n < TURNS && births().some(isOpen); n++) await turn()
  for (let napMs = 1; ; napMs = Math.min(2 * napMs, LONGEST_NAP_MS)) {
    const open = suspects(births(), options)
    const share = shareOf(open, options, isKnown)
    const leftMs = sinceMs + share * withinMs - now()
    if (share === 0) return []
    if (leftMs <= 0) return leaksAmong(open, options)
    await nap(Math.min(napMs, leftMs))
  }
}

/** What part of the time these are given. The first new leak decides: of a hundred thousand the rest is not looked at. */
function shareOf(open: readonly Birth[], { ignore = [] }: LeakOptions, isKnown: (leak: Leak) => boolean): number {
  let share = 0
  for (const birth of open) {
    const leak = leakOf(birth)
    if (isIgnored(leak, ignore)) continue
    if (!isKnown(leak)) return 1
    share = AGAIN
  }
  return share
}

/** What of these suspects is to be told, as it is now. */
export function leaksAmong(open: readonly Birth[], options: LeakOptions): readonly Found[] {
  return open.map((birth) => ({ birth, leak: leakOf(birth) })).filter(({ leak }) => !isIgnored(leak, options.ignore ?? []))
}

/** What of these is open, before any filter of the user's is asked. */
export function suspects(births: readonly Birth[], { kinds, files = false }: LeakOptions): readonly Birth[] {
  return withoutParts(births.filter(isOpen)).filter(
    (birth) => (!kinds || kinds.includes(kindOf(birth))) && (files || birth.type !== 'RAWFILE') && !isNoise(birth),
  )
}

function nap(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimer(resolve, ms))
}
