import type { Leak, LeakOptions, LeakWatch } from '../model/leak.ts'
import { checkOptions } from '../model/options.ts'
import { formatSite, framesOf } from '../timeline/frames.ts'
import { hold } from './hold.ts'
import { LeakError } from './leak-error.ts'
import { DEFAULT_WITHIN_MS, leakRules } from './options.ts'
import { birthsIn, watchAll } from './registry.ts'
import { Scope } from './scope.ts'
import { settle } from './settle.ts'
import { captureStack } from '../timeline/stack.ts'

/**
 * Watches what is opened from here on, whoever opens it.
 *
 * Process-wide: for serial tests and scripts; {@link findLeaks} tells concurrent code apart. The caller ends it with `stop()`.
 *
 * @throws {TypeError | RangeError}  An option is wrong.
 */
export function watchLeaks(options: LeakOptions = {}): LeakWatch {
  checkOptions(options, leakRules)
  const scope = new Scope(undefined, undefined, captureStack(watchLeaks))
  const release = hold(options)
  const unwatch = watchAll(scope)
  const find = async (): Promise<Leak[]> => (await settle(() => birthsIn(scope), options)).map(({ leak }) => leak)
  return {
    find,
    async assertNone() {
      const leaks = await find()
      if (leaks.length > 0) throw new LeakError(leaks, since(scope, options), 'watchLeaks({ ignore: [FILTER] })')
    },
    stop() {
      unwatch()
      release()
    },
    [Symbol.dispose]() {
      this.stop()
    },
  }
}

function since({ asked }: Scope, { withinMs = DEFAULT_WITHIN_MS }: LeakOptions): string {
  const call = framesOf(asked).find(({ whose }) => whose === 'user')
  return `after ${withinMs} ms, of what was opened since watchLeaks${call ? ` at ${formatSite(call)}` : ''}`
}
