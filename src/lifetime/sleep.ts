import { clearTimer, setTimer } from './timers.ts'

/** Resolves after `ms`, or as soon as `signal` aborts: whoever sleeps looks at the signal itself. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimer(timer)
      signal?.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimer(wake, ms)
    if (signal?.aborted) wake()
    else signal?.addEventListener('abort', wake)
  })
}
