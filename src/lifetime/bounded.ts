import { NetgraceError } from '../model/errors.ts'
import type { WaitOptions } from '../model/client.ts'
import { checkOptions, duration, signal, type Rules } from '../model/options.ts'
import { clearTimer, setTimer } from './timers.ts'

export const waitRules: Rules<WaitOptions> = { withinMs: duration, signal }

/**
 * `work`, or a rejection once `withinMs` has passed (`ERR_NETGRACE_TIMEOUT`, worded by `late`) or `signal` aborts (its reason).
 * `giveUp` runs in both cases, so that nothing goes on waiting.
 */
export function bounded<T>(work: Promise<T>, options: WaitOptions, late: () => string, giveUp: () => void = () => {}): Promise<T> {
  checkOptions(options, waitRules)
  const { withinMs, signal: abort } = options
  if (withinMs === undefined && abort === undefined) return work
  return new Promise<T>((resolve, reject) => {
    const timer = withinMs === undefined ? undefined : setTimer(() => fail(new NetgraceError('ERR_NETGRACE_TIMEOUT', late())), withinMs)
    const aborted = (): void => fail(abort!.reason)
    const release = (): void => {
      clearTimer(timer)
      abort?.removeEventListener('abort', aborted)
    }
    const fail = (reason: unknown): void => {
      release()
      giveUp()
      reject(reason)
    }
    void work.then(resolve, reject).finally(release)
    if (abort?.aborted) aborted()
    else abort?.addEventListener('abort', aborted)
  })
}
