import { nextTurn } from '../lifetime/timers.ts'
import type { Birth } from './birth.ts'
import { ownerOf } from './handle.ts'
import { isGone } from './kinds.ts'
import { marks } from './marks.ts'
import type { Scope } from './scope.ts'
import type { Stack } from '../timeline/stack.ts'

/** By async id: all that are open, and closed ones until the next sweep. */
const births = new Map<number, Birth>()
let entries = 0
/** What was entered before the tracer was last switched off counts no more. */
let forgottenTo = 0
/** Scopes that get whatever is opened in the process, besides the scope that it belongs to: from which entry on. */
const processWide = new Map<Scope, number>()
/** Of a timer, of a handle that is used again, and of a socket that tries several addresses. All else goes unmarked: it has its price. */
const known = marks<Birth>()
const dialled = marks<Birth>()
let listens = new WeakMap<object, Stack>()

/**
 * Closed handles are swept out once there are as many again as were open. The `destroy` hook would tell of each, but with
 * it Node 20 and 22 follow every promise to its grave: 1.25 times an echo loop instead of 1.1.
 */
const SWEEP_AT_LEAST = 128
let sweepAt = SWEEP_AT_LEAST

export function birthOf(id: number): Birth | undefined {
  return births.get(id)
}

/** The birth of a timer that has fired before. */
export function birthOfTimer(timer: object): Birth | undefined {
  return ifStillKnown(known.get(timer))
}

/** The birth of a handle that an agent takes again, whatever its id is now. */
export function birthOfReused(handle: object): Birth | undefined {
  const birth = ifStillKnown(known.get(handle)) ?? birthAmongAll(handle)
  if (birth) known.set(handle, birth)
  return birth
}

/** Whether anybody looks at what this scope opens. */
export function isWatched(scope: Scope | undefined): boolean {
  return scope !== undefined || processWide.size > 0
}

/** Enters a birth, or one that is known under a new id. */
export function enter(birth: Birth, id: number): void {
  birth.id = id
  birth.entry = ++entries
  births.set(id, birth)
  if (birth.type === 'Timeout') known.set(birth.handle, birth)
  if (births.size >= sweepAt) sweepSoon()
}

/** Until the returned function is called, `scope` gets whatever is opened. */
export function watchAll(scope: Scope): () => void {
  processWide.set(scope, entries)
  return () => void processWide.delete(scope)
}

/** What was opened in the scope, or in one within it, and is not known to have closed. */
export function birthsIn(scope: Scope): Birth[] {
  const since = processWide.get(scope) ?? Infinity
  const within: Birth[] = []
  for (const [id, birth] of births) {
    if (birth.id === id && (entryOf(birth) > since || birth.scope?.isWithin(scope))) within.push(birth)
  }
  return within
}

export function rememberListen(server: object, call: Stack): void {
  listens.set(server, call)
}

/** Where `listen()` of that server was called. */
export function listenCall(server: object): Stack | undefined {
  return listens.get(server)
}

export function rememberDial(handleId: number, request: object): void {
  const birth = births.get(handleId)
  if (!birth) return
  birth.request = request
  const socket = ownerOf(birth.handle)
  if (socket?.autoSelectFamilyAttemptedAddresses && !firstHandle(socket)) dialled.set(socket, birth)
}

/** The handle with which that socket began: it takes a new one for each address of a host that it tries. */
export function firstHandle(socket: object): Birth | undefined {
  return ifStillKnown(dialled.get(socket))
}

export function forgetAll(): void {
  births.clear()
  listens = new WeakMap()
  forgottenTo = entries
  sweepAt = SWEEP_AT_LEAST
}

function birthAmongAll(handle: object): Birth | undefined {
  for (const birth of births.values()) if (birth.handle === handle) return birth
  return undefined
}

function entryOf({ entry = 0 }: Birth): number {
  return entry
}

function ifStillKnown(birth: Birth | undefined): Birth | undefined {
  return birth !== undefined && entryOf(birth) > forgottenTo ? birth : undefined
}

/** In the next turn, since a handle that is just being born looks as if it were gone. */
function sweepSoon(): void {
  sweepAt = Infinity
  nextTurn(sweep)
}

function sweep(): void {
  for (const [id, birth] of births) {
    if (birth.id !== id || isGone(birth)) births.delete(id)
  }
  sweepAt = Math.max(SWEEP_AT_LEAST, 2 * births.size)
}
