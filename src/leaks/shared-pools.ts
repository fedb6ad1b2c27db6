import type { Socket } from 'node:net'

import type { Birth } from './birth.ts'
import { framesOf } from '../timeline/frames.ts'
import { isUnref } from './handle.ts'

interface Agent {
  readonly freeSockets: Readonly<Record<string, readonly Socket[] | undefined>>
}

/**
 * Whether the socket waits in a pool that belongs to the process: that of the built-in `fetch`, or Node's global agents.
 *
 * Nobody who used it can close it, and it bears the scope of whoever used the pool first. One that is in use is another matter.
 */
export function isIdleInASharedPool(birth: Birth): boolean {
  if (!isUnref(birth.handle)) return false
  return isOfFetch(birth) || isFree(birth)
}

/** undici unrefs a socket while nothing is under way on it. */
function isOfFetch({ stack }: Birth): boolean {
  return framesOf(stack).some(({ file }) => file.startsWith('node:internal/deps/undici'))
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

/** A TLS socket's handle stands before that of its transport. */
function isBehind(socket: Socket, handle: object): boolean {
  const { _handle: own } = socket as { readonly _handle?: { readonly _parent?: object } }
  return own === handle || own?._parent === handle
}
