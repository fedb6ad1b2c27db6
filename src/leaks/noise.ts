import type { Birth } from './birth.ts'
import { framesOf } from '../timeline/frames.ts'
import { kindOf } from './kinds.ts'
import { actorOf, openerOf } from './opener.ts'
import { isIdleInASharedPool } from './shared-pools.ts'

/** What the stack of any handle begins with, and that of a timer. */
const TRACING = /^node:internal\/async_hooks$/
const TIMERS = /^node:(?:timers|internal\/timers|timers\/promises|internal\/async_hooks|internal\/util)$/

/** The threads in which Vitest 3 runs, and those of whoever calls it by name. */
const SERVES_USERS_TOO = 'tinypool'

let ownTimersCount = false

/** From here on netgrace's own timers are reported as well. For netgrace's own suite: a timer that is not cleared keeps the process alive. */
export function reportOwnTimers(): void {
  ownTimersCount = true
}

/** What is never reported, whoever's scope it stands in. */
export function isNoise(birth: Birth): boolean {
  switch (kindOf(birth)) {
    case 'timer':
      return isForeignTimer(birth)
    case 'message-port':
      return isInternalPort(birth) || isForeign(birth)
    case 'tcp-socket':
      return isIdleInASharedPool(birth) || isNobodys(birth) || isForeign(birth)
    case 'pipe':
      return isStdio(birth) || isNobodys(birth) || isForeign(birth)
    default:
      return isForeign(birth)
  }
}

/** The runner's, or ours where nobody asked for it. */
function isForeign(birth: Birth): boolean {
  const actor = birth.accepted ? birth.via && actorOf(birth.via) : actorOf(birth)
  if (actor?.package?.name === SERVES_USERS_TOO && openerOf(birth).frames[0]?.whose === 'user') return false
  return actor?.whose === 'runner' || (actor?.whose === 'ours' && openerOf(birth).site === undefined)
}

/** Accepted by a listener that was there before: no line opened it, and it belongs to whoever opened that listener. */
function isNobodys({ stack, via }: Birth): boolean {
  return via === undefined && framesOf(stack).every(({ file }) => TRACING.test(file))
}

/** A worker's own ports belong to the worker; a broadcast channel is made by Node, for its caller. */
function isInternalPort(birth: Birth): boolean {
  const maker = framesOf(birth.stack).find(({ file }) => !TRACING.test(file))
  return maker?.whose === 'node' && maker.function !== 'new BroadcastChannel'
}

/** A timer is judged by its direct caller: a socket's time-out, `AbortSignal.timeout`, undici's and our own end with what they serve. */
function isForeignTimer(birth: Birth): boolean {
  const caller = framesOf(birth.stack).find(({ file }) => !TIMERS.test(file))
  if (!caller) return false
  if (caller.whose === 'ours') return !ownTimersCount
  return caller.package ? caller.whose === 'runner' || caller.package.name === 'undici' : caller.whose !== 'user'
}

function isStdio({ type, handle }: Birth): boolean {
  return type === 'PIPEWRAP' && handle.fd !== undefined && handle.fd >= 0 && handle.fd <= 2
}
