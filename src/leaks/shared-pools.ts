import type { Socket } from 'node:net'

import type { Birth } from './birth.ts'
import { framesOf } from '../timeline/frames.ts'
import { isBehind, isUnref } from './handle.ts'
import { isOfTheGlobalDispatcher } from './undici.ts'

interface Agent {
  readonly freeSockets: Readonly<Record<string, readonly Socket[] | undefined>>
}

/**
 * Whether the socket waits in a pool that belongs to the process: that of the built-in `fetch`, the global dispatcher of the
 * package undici, or Node's global agents.
 *
 * Nobody who used it can close it, and it bears the scope of whoever used the pool first. One that is in use is another matter.
 */
export function isIdleInASharedPool(birth: Birth): boolean {
  if (!isUnref(birth.handle)) return false
  return isOfFetch(birth) || isFree(birth)
}

/** undici unrefs a socket while nothing is under way on it. */
function isOfFetch({ stack, handle }: Birth): boolean {
  const frames = framesOf(stack)
  if (frames.some(({ file }) => file.startsWith('node:internal/deps/undici'))) return true
  return frames.some((frame) => frame.package?.name === 'undici') && isOfTheGlobalDispatcher(handle)
}

function isFree({ stack, handle }: Birth): boolean {
  if (!framesOf(stack).some(({ file }) => file === 'node:_http_agent')) return false
  // Whoever has an agent's socket has loaded these; an import would load them for everybody.
  const agents = [process.getBuiltinModule('node:http').globalAgent, process.getBuiltinModule('node:https').globalAgent]
  return agents.flatMap(socketsOf).some((socket) => isBehind(socket, handle))
}

function socketsOf(agent: Agent): readonly Socket[] {
  return Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? [])
}
