import type { AssertNoLeaksOptions, FoundLeaks, Leak, LeakOptions } from '../model/leak.ts'
import { callback, checkOptions, type Rules } from '../model/options.ts'
import { formatSite, framesOf } from '../timeline/frames.ts'
import type { Birth } from './birth.ts'
import { hold } from './hold.ts'
import { LeakError } from './leak-error.ts'
import { assertRules, DEFAULT_WITHIN_MS, leakRules } from './options.ts'
import { birthsIn, birthsOutside, thisMoment, watchAll } from './registry.ts'
import { Scope } from './scope.ts'
import { leaksAmong, settle, suspects, type Found } from './settle.ts'
import { captureStack } from '../timeline/stack.ts'
import { currentScope, runIn } from './trace.ts'

/**
 * Runs `fn` and tells what of all that it opened is still open: sockets, listeners, timers and the like, unref'd ones too.
 *
 * What it opened is known by async context, so other code that runs meanwhile is not blamed. What is opened in the callbacks
 * of a client that was there before belongs to no context that can be told: it stands in `orphans` of the result.
 *
 * Rejects with `fn`'s own error.
 *
 * @throws {NetgraceError}  `ERR_NETGRACE_UNSUPPORTED`: this runtime tells nothing of the handles that it opens.
 */
export async function findLeaks(fn: () => unknown, options: LeakOptions = {}): Promise<FoundLeaks> {
  const { leaks, orphans } = await check(fn, options, leakRules, scopeOf(fn, findLeaks))
  return Object.defineProperty(leaks, 'orphans', { value: orphans }) as FoundLeaks
}

/**
 * Runs `fn` and resolves to its value, or fails naming each handle that it left open, by the line that opened it.
 *
 * @throws {LeakError}      `ERR_NETGRACE_LEAK`. An error of `fn`'s own comes first: then nothing is checked.
 * @throws {NetgraceError}  `ERR_NETGRACE_UNSUPPORTED`: this runtime tells nothing of the handles that it opens.
 */
export async function assertNoLeaks<T>(fn: () => T, options: AssertNoLeaksOptions = {}): Promise<Awaited<T>> {
  const scope = scopeOf(fn, assertNoLeaks)
  const { value, leaks, orphans } = await check(fn, options, assertRules, scope)
  if (leaks.length > 0 || (options.orphans === 'fail' && orphans.length > 0))
    throw new LeakError(leaks, afterwards(scope, options), 'assertNoLeaks(fn, { ignore: [FILTER] })', orphans)
  return value
}

interface Outcome<T> {
  readonly value: Awaited<T>
  readonly leaks: Leak[]
  readonly orphans: readonly Leak[]
}

async function check<T, Options extends AssertNoLeaksOptions>(
  fn: () => T,
  options: Options,
  rules: Rules<Options>,
  scope: Scope,
): Promise<Outcome<T>> {
  callback('fn', fn)
  checkOptions(options, rules)
  const release = hold(options)
  const unwatch = watchAll(new Scope(undefined)) // or what has no scope would not be seen
  try {
    const since = thisMoment()
    const value = await runIn(scope, fn)
    const until = thisMoment()
    const outside = (): Birth[] => birthsOutside(scope, since, until)
    const leaks = await settle(() => birthsIn(scope), options)
    const orphans = options.orphans === 'fail' ? await settle(outside, options) : leaksAmong(suspects(outside(), options), options)
    return { value, leaks: leaks.map(leakOf), orphans: orphans.map(leakOf) }
  } finally {
    unwatch()
    release()
  }
}

function leakOf({ leak }: Found): Leak {
  return leak
}

function scopeOf(fn: (() => unknown) | undefined, door: (...args: never[]) => unknown): Scope {
  return new Scope(fn?.name || undefined, currentScope(), captureStack(door))
}

function afterwards(scope: Scope, { withinMs = DEFAULT_WITHIN_MS }: LeakOptions): string {
  const call = framesOf(scope.asked).find(({ whose }) => whose === 'user')
  const what = scope.title === undefined ? `assertNoLeaks${call ? ` at ${formatSite(call)}` : ''}` : JSON.stringify(scope.title)
  return `${withinMs} ms after ${what}`
}
