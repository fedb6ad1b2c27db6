import { nextTurn } from '../lifetime/timers.ts'
import type { Stack } from '../timeline/stack.ts'
import type { Birth, HandleRef, Listening } from './birth.ts'
import { ownerOf, type Handle } from './handle.ts'
import { isGone, isListener } from './kinds.ts'
import { marks } from './marks.ts'
import type { Scope } from './scope.ts'

/** By async id: all that are open, and closed ones until the next sweep. */
const refs = new Map<number, HandleRef>()
/** The birth of each handle, on the handle: together they are garbage once the handle has closed. */
const births = marks<Birth>()
/** Of a socket that tries several addresses. */
const dialled = marks<Birth>()
let listens = new WeakMap<object, Stack>()
let entries = 0
/** What was entered before the tracer was last switched off counts no more. */
let forgottenTo = 0
/** Scopes that get whatever is opened in the process, besides the scope that it belongs to: from which entry on. */
const processWide = new Map<Scope, number>()

/**
 * Closed handles are swept out once there are as many again as were open. The `destroy` hook would tell of each, but with
 * it Node 20 and 22 follow every promise to its grave: 1.25 times an echo loop instead of 1.1.
 */
const SWEEP_AT_LEAST = 128
let sweepAt = SWEEP_AT_LEAST

/** How often {@link formatAged} is to be called. A handle that closes sooner never pays for the text of its stack. */
export const AGE_MS = 20
/** Text for so many stacks at a time: with a runner's source maps one takes up to 0.2 ms. */
const FORMAT_AT_ONCE = 32
/** Entered since the last call of {@link formatAged}, and before it. */
let young: HandleRef[] = []
let aged: HandleRef[] = []

export function birthOf(id: number): Birth | undefined {
  return birthAt(refs.get(id))
}

/** The birth of a timer that has fired before, or of a handle that an agent takes again, whatever its id is now. */
export function birthOfHandle(handle: object): Birth | undefined {
  return ifStillKnown(births.get(handle))
}

/** Whether anything looks at what this scope opens. */
export function isWatched(scope: Scope | undefined): boolean {
  return scope !== undefined || processWide.size > 0
}

/** Enters a birth, or one that is known under a new id. */
export function enter(birth: Birth, handle: object, id: number): void {
  birth.id = id
  birth.entry = ++entries
  births.set(handle, birth)
  refs.set(id, birth.ref)
  young.push(birth.ref)
  if (refs.size >= sweepAt) sweepSoon()
}

/** Until the returned function is called, `scope` gets whatever is opened. */
export function watchAll(scope: Scope): () => void {
  processWide.set(scope, entries)
  return () => void processWide.delete(scope)
}

/** What was opened in the scope, or in one within it, and is not known to have closed. */
export function birthsIn(scope: Scope): Birth[] {
  const since = processWide.get(scope) ?? Infinity
  return allBirths().filter((birth) => birth.entry > since || birth.scope?.isWithin(scope))
}

/** Names the present: {@link birthsOutside} tells what was opened between two of these. */
export function thisMoment(): number {
  return entries
}

/** What was opened from one moment to the other in no scope, or in one that `scope` is within, and is not known to have closed. */
export function birthsOutside(scope: Scope, since: number, until: number): Birth[] {
  return allBirths().filter(
    (birth) => birth.entry > since && birth.entry <= until && (birth.scope === undefined || scope.outer?.isWithin(birth.scope) === true),
  )
}

export function rememberListen(server: object, call: Stack): void {
  listens.set(server, call)
}

/** What the server of that handle was asked for. From the first time on it is remembered without the server. */
export function listeningOf(birth: Birth): Listening {
  if (!birth.listening) {
    const owner = ownerOf(birth.handle)
    birth.listening = { call: owner && listens.get(owner), path: owner?._pipeName }
  }
  return birth.listening
}

export function rememberDial(handleId: number, request: object): void {
  const birth = birthOf(handleId)
  if (!birth) return
  birth.request = request
  const socket = ownerOf(birth.handle)
  if (socket?.autoSelectFamilyAttemptedAddresses && !firstHandle(socket)) dialled.set(socket, birth)
}

/** The handle with which that socket began: it takes a new one for each address of a host that it tries. */
export function firstHandle(socket: object): Birth | undefined {
  return ifStillKnown(dialled.get(socket))
}

/** Formats the stacks of what has been open for a while, so that they keep nothing alive. Not to be called inside a hook. */
export function formatAged(): void {
  if (aged.length === 0 && young.length === 0) return
  const waiting: HandleRef[] = []
  let formatted = 0
  for (const ref of aged) {
    const birth = birthAt(ref)
    if (!birth || isGone(birth)) continue
    if (formatted++ < FORMAT_AT_ONCE) format(birth)
    else waiting.push(ref)
  }
  aged = waiting.concat(young)
  young = []
}

/** How many are remembered: open ones, and closed ones until the next sweep. */
export function rememberedCount(): number {
  return refs.size
}

export function forgetAll(): void {
  refs.clear()
  listens = new WeakMap()
  young = []
  aged = []
  forgottenTo = entries
  sweepAt = SWEEP_AT_LEAST
}

function format(birth: Birth): void {
  if (isListener(birth.type)) listeningOf(birth)
  birth.format()
}

function allBirths(): Birth[] {
  const all: Birth[] = []
  for (const [id, ref] of refs) {
    const birth = birthAt(ref)
    if (birth?.id === id) all.push(birth)
  }
  return all
}

function birthAt(ref: HandleRef | undefined): Birth | undefined {
  const handle: Handle | undefined = ref?.deref()
  return handle && births.get(handle)
}

function ifStillKnown(birth: Birth | undefined): Birth | undefined {
  return birth !== undefined && birth.entry > forgottenTo ? birth : undefined
}

/** In the next turn, since a handle that is just being born looks as if it were gone. */
function sweepSoon(): void {
  sweepAt = Infinity
  nextTurn(sweep)
}

function sweep(): void {
  for (const [id, ref] of refs) {
    const birth = birthAt(ref)
    if (birth?.id !== id || isGone(birth)) refs.delete(id)
  }
  sweepAt = Math.max(SWEEP_AT_LEAST, 2 * refs.size)
}
