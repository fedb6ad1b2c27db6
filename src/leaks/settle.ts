import { setTimer, turn } from '../lifetime/timers.ts'
import { now } from '../timeline/clock.ts'
import { DEFAULT_WITHIN_MS } from './options.ts'
import type { Leak, LeakOptions } from '../model/leak.ts'
import type { Birth } from './birth.ts'
import { isIgnored } from './ignore.ts'
import { isOpen, kindOf } from './kinds.ts'
import { leakOf } from './leak-of.ts'
import { isNoise } from './noise.ts'
import { withoutParts } from './parts.ts'
import { birthsIn } from './registry.ts'
import type { Scope } from './scope.ts'

/** A close is complete within three turns. */
const TURNS = 4
const LONGEST_NAP_MS = 20

/** A handle that did not close, and what is to be told of it. */
export interface Found {
  readonly birth: Birth
  readonly leak: Leak
}

/**
 * What of the scope is still open, after what is closing has had the time to: four turns for what was closed and not
 * awaited, then naps up to `withinMs`, for which only a real leak pays.
 */
export async function settle(scope: Scope, options: LeakOptions): Promise<readonly Found[]> {
  const deadlineMs = now() + (options.withinMs ?? DEFAULT_WITHIN_MS)
  await turn() // `listen(port, host)` opens its handle only behind the code that called it
  for (let n = 1; n < TURNS && openOf(scope).length > 0; n++) await turn()
  let found = leaksOf(scope, options)
  for (let napMs = 1; found.length > 0 && now() < deadlineMs; napMs = Math.min(2 * napMs, LONGEST_NAP_MS)) {
    await nap(Math.max(0, Math.min(napMs, deadlineMs - now())))
    found = leaksOf(scope, options)
  }
  return found
}

function leaksOf(scope: Scope, { kinds, ignore = [], files = false }: LeakOptions): readonly Found[] {
  return withoutParts(openOf(scope))
    .filter((birth) => (!kinds || kinds.includes(kindOf(birth))) && (files || birth.type !== 'RAWFILE') && !isNoise(birth))
    .map((birth) => ({ birth, leak: leakOf(birth) }))
    .filter(({ leak }) => !isIgnored(leak, ignore))
}

function openOf(scope: Scope): Birth[] {
  return birthsIn(scope).filter(isOpen)
}

function nap(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimer(resolve, ms))
}
