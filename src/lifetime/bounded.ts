import type { WaitOptions } from '../model/client.ts'
import { NetgraceError } from '../model/errors.ts'
import { callSite } from '../timeline/call-site.ts'
import { checkOptions, duration, signal, type Rules } from '../model/options.ts'
import { onAbort } from './on-abort.ts'
import { clearTimer, setTimer } from './timers.ts'

/** No bound at all: what a wait is given by default. */
export const UNBOUNDED: WaitOptions = {}

const RULES: Rules<WaitOptions> = { withinMs: duration, signal }

/** For whoever does something before it waits: throws for wrong options, and the reason of a signal that has aborted. */
export function mayBegin(options: WaitOptions): void {
  if (options === UNBOUNDED) return
  checkOptions(options, RULES)
  if (options.signal?.aborted) throw options.signal.reason
}

/**
 * `work`, or a rejection once `withinMs` has passed (`ERR_NETGRACE_TIMEOUT`, worded by `late`) or `signal` aborts (its reason).
 * `giveUp` runs in both cases, so that nothing goes on waiting; `false` from it says that it is too late: `work` is done, and is what
 * is given. The error of a timeout has the stack of this call, from the user's
 * line on, so every door calls this before it awaits anything.
 */
export function bounded<T>(work: Promise<T>, options: WaitOptions, late: () => string, giveUp: () => unknown = () => {}): Promise<T> {
  const { withinMs, signal: abort } = options
  if (withinMs === undefined && abort === undefined) return work
  const site = withinMs === undefined ? undefined : callSite(bounded)
  const timedOut = (): Error => {
    const error = new NetgraceError('ERR_NETGRACE_TIMEOUT', late())
    return site ? site.blame(error) : error
  }
  return new Promise<T>((resolve, reject) => {
    let forget = (): void => {}
    const timer = withinMs === undefined ? undefined : setTimer(() => fail(timedOut()), withinMs)
    const release = (): void => {
      clearTimer(timer)
      forget()
    }
    const fail = (reason: unknown): void => {
      release()
      if (giveUp() !== false) reject(reason)
    }
    // settled and released in one step: `giveUp` never runs for a wait that has its value
    const settled =
      <V>(settle: (value: V) => void) =>
      (value: V): void => {
        release()
        settle(value)
      }
    void work.then(settled(resolve), settled(reject))
    if (abort) forget = onAbort(abort, fail)
  })
}
