// Captured at import, so that fake timers cannot freeze the fixture.
import * as timers from 'node:timers'

export const setTimer: typeof timers.setTimeout = timers.setTimeout
export const clearTimer: typeof timers.clearTimeout = timers.clearTimeout
export const setTicker: typeof timers.setInterval = timers.setInterval
export const clearTicker: typeof timers.clearInterval = timers.clearInterval
const setImmediate = timers.setImmediate
const queueMicrotask = globalThis.queueMicrotask

/** Runs `act` when the callback that is running has returned, in the same turn of the event loop. */
export function afterThis(act: () => void): void {
  queueMicrotask(act)
}

/** Runs `act` in the next turn of the event loop. */
export function nextTurn(act: () => void): void {
  setImmediate(act)
}

/** Resolves in the next turn of the event loop: all that the kernel had ready has been read by then. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
