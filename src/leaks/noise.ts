import type { Birth } from './birth.ts'
import { framesOf } from './frames.ts'
import { kindOf } from './kinds.ts'
import { actorOf, openerOf } from './opener.ts'

/** What a timer's own stack begins with. */
const TIMERS = /^node:(?:timers|internal\/timers|timers\/promises|internal\/async_hooks|internal\/util)$/

/** What is never reported, whoever's scope it stands in. */
export function isNoise(birth: Birth): boolean {
  if (kindOf(birth) === 'timer') return isForeignTimer(birth)
  return actorOf(birth)?.whose === 'runner' || isOursAlone(birth) || isStdio(birth)
}

/** A timer is judged by its direct caller: a socket's time-out, `AbortSignal.timeout`, undici's and our own end with what they serve. */
function isForeignTimer(birth: Birth): boolean {
  const caller = framesOf(birth.stack).find(({ file }) => !TIMERS.test(file))
  if (!caller) return false
  return caller.package ? caller.whose === 'runner' || caller.package.name === 'undici' : caller.whose !== 'user'
}

/** Nobody asked us for it. */
function isOursAlone(birth: Birth): boolean {
  const actor = birth.accepted ? birth.via && actorOf(birth.via) : actorOf(birth)
  return actor?.whose === 'ours' && openerOf(birth).site === undefined
}

function isStdio({ type, handle }: Birth): boolean {
  return type === 'PIPEWRAP' && handle.fd !== undefined && handle.fd >= 0 && handle.fd <= 2
}
