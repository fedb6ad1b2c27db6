import { onAbort } from './on-abort.ts'
import { clearTimer, setTimer } from './timers.ts'

/** Resolves after `ms`, or as soon as `signal` aborts: whoever sleeps looks at the signal itself. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let forget = (): void => {}
    const wake = (): void => {
      clearTimer(timer)
      forget()
      resolve()
    }
    const timer = setTimer(wake, ms)
    if (signal) forget = onAbort(signal, wake)
  })
}
