import type { Leak, LeakOptions } from '../model/leak.ts'
import { callback, checkOptions } from '../model/options.ts'
import { formatSite, framesOf } from '../timeline/frames.ts'
import { hold } from './hold.ts'
import { LeakError } from './leak-error.ts'
import { DEFAULT_WITHIN_MS, leakRules } from './options.ts'
import { Scope } from './scope.ts'
import { settle } from './settle.ts'
import { captureStack } from '../timeline/stack.ts'
import { currentScope, runIn } from './trace.ts'

/**
 * Runs `fn` and tells what of all that it opened is still open: sockets, listeners, timers and the like, unref'd ones too.
 *
 * What it opened is known by async context, so other code that runs meanwhile is not blamed. Rejects with `fn`'s own error.
 */
export async function findLeaks(fn: () => unknown, options: LeakOptions = {}): Promise<Leak[]> {
  const { leaks } = await check(fn, options, scopeOf(fn, findLeaks))
  return leaks
}

/**
 * Runs `fn` and resolves to its value, or fails naming each handle that it left open, by the line that opened it.
 *
 * @throws {LeakError}  `ERR_NETGRACE_LEAK`. An error of `fn`'s own comes first: then nothing is checked.
 */
export async function assertNoLeaks<T>(fn: () => T, options: LeakOptions = {}): Promise<Awaited<T>> {
  const scope = scopeOf(fn, assertNoLeaks)
  const { value, leaks } = await check(fn, options, scope)
  if (leaks.length > 0) throw new LeakError(leaks, afterwards(scope, options), 'assertNoLeaks(fn, { ignore: [FILTER] })')
  return value
}

async function check<T>(fn: () => T, options: LeakOptions, scope: Scope): Promise<{ value: Awaited<T>; leaks: Leak[] }> {
  callback('fn', fn)
  checkOptions(options, leakRules)
  const release = hold(options)
  try {
    const value = await runIn(scope, fn)
    const found = await settle(scope, options)
    return { value, leaks: found.map(({ leak }) => leak) }
  } finally {
    release()
  }
}

function scopeOf(fn: (() => unknown) | undefined, door: (...args: never[]) => unknown): Scope {
  return new Scope(fn?.name || undefined, currentScope(), captureStack(door))
}

function afterwards(scope: Scope, { withinMs = DEFAULT_WITHIN_MS }: LeakOptions): string {
  const call = framesOf(scope.asked).find(({ whose }) => whose === 'user')
  const what = scope.title === undefined ? `assertNoLeaks${call ? ` at ${formatSite(call)}` : ''}` : JSON.stringify(scope.title)
  return `${withinMs} ms after ${what}`
}
