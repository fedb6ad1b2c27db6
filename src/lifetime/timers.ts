/**
 * Timers that no test can freeze.
 *
 * Whoever replaces the timers after this module is loaded does not reach those that are captured here. Whoever has done so
 * before (`vi.useFakeTimers()` in a setup file, Jest's `fakeTimers.enableGlobally`, `mock.timers.enable()`, sinon) has
 * replaced the globals, and most of them `node:timers` too: then {@link LateTimer} stands in.
 */
import * as timers from 'node:timers'

import { NetgraceError } from '../model/errors.ts'
import { LONGEST_MS } from '../model/options.ts'
import { LateTimer, nextCheckPhase } from './late-timer.ts'
import { mainProcess } from './realm.ts'

const { setTimeout, clearTimeout, setInterval, setImmediate, clearImmediate } = timers
const real = isReal()
checkNextTick()

/** Calls `act` after `ms`, or after {@link LONGEST_MS} if that is less: of a longer delay Node warns, and fires at once. */
export function setTimer(act: () => void, ms: number): NodeJS.Timeout {
  const delayMs = Math.min(ms, LONGEST_MS)
  return real ? setTimeout(act, delayMs) : late(act, delayMs, false)
}

/** Calls `act` each `ms`. */
export function setTicker(act: () => void, ms: number): NodeJS.Timeout {
  const delayMs = Math.min(ms, LONGEST_MS)
  return real ? setInterval(act, delayMs) : late(act, delayMs, true)
}

export function clearTimer(timer: NodeJS.Timeout | undefined): void {
  if (real) clearTimeout(timer)
  else timer?.close()
}

export const clearTicker: typeof clearTimer = clearTimer // as in Node, where the one clears the other's too

const settled = Promise.resolve()

/** Runs `act` when the callback that is running has returned, in the same turn of the event loop. Not by `queueMicrotask`, which can be faked. */
export function afterThis(act: () => void): void {
  void settled.then(act)
}

/** Runs `act` in the next turn of the event loop. */
export function nextTurn(act: () => void): void {
  if (real) setImmediate(act)
  else nextCheckPhase(act)
}

/** Resolves in the next turn of the event loop: all that the kernel had ready has been read by then. */
export function turn(): Promise<void> {
  return new Promise(nextTurn)
}

/** It has all that a `Timeout` has but the conversion to a number. */
function late(act: () => void, ms: number, repeats: boolean): NodeJS.Timeout {
  return new LateTimer(act, ms, repeats) as unknown as NodeJS.Timeout
}

/** Whether what `node:timers` gives are Node's own: a fake timer has nothing of what links a real one into its list. */
function isReal(): boolean {
  const timer = setTimeout(() => {}, 1)
  const immediate = setImmediate(() => {})
  clearTimeout(timer)
  clearImmediate(immediate)
  return isLinked(timer) && isLinked(immediate)
}

function isLinked(handle: unknown): boolean {
  return typeof handle === 'object' && handle !== null && '_idleNext' in handle
}

/** Node's own sockets and streams call it at each step: there is nothing that could stand in for it. */
function checkNextTick(): void {
  const { nextTick } = mainProcess as { readonly nextTick: object }
  if (!Object.hasOwn(nextTick, 'clock')) return
  throw new NetgraceError(
    'ERR_NETGRACE_UNSUPPORTED',
    "netgrace was loaded while process.nextTick was faked, without which no socket of Node's works: " +
      "leave it out of what is faked (sinon: useFakeTimers({ toNotFake: ['nextTick'] })), or load netgrace before",
  )
}
