import type { Birth, Home } from './birth.ts'
import { ownerOf } from './handle.ts'
import { isOpen } from './kinds.ts'
import type { Scope } from './scope.ts'
import type { Stack } from './stack.ts'

/** Those that `destroy` has not reported, by async id. */
const births = new Map<number, Birth>()
/** Scopes that get whatever is opened in the process, besides the scope that it belongs to. */
const processWide = new Set<Scope>()
let known = new WeakMap<object, Birth>()
let listens = new WeakMap<object, Stack>()
let dialled = new WeakMap<object, Birth>()

/** Closed files stay here until there are so many: `destroy` waits for the garbage collector, and we hold them against it. */
let sweepAt = 256

export function birthOf(id: number): Birth | undefined {
  return births.get(id)
}

/** The birth of a handle that was seen before, whatever its id is now. */
export function knownBirth(handle: object): Birth | undefined {
  return known.get(handle)
}

/** Whether anybody looks at what this scope opens. */
export function isWatched(scope: Home | undefined): boolean {
  return scope !== undefined || processWide.size > 0
}

/** Enters a birth, or one that is known under a new id. */
export function enter(birth: Birth, id: number): void {
  birth.id = id
  births.set(id, birth)
  known.set(birth.handle, birth)
  birth.scope?.add(birth)
  for (const scope of processWide) scope.births.add(birth)
  if (births.size >= sweepAt) sweep()
}

/** The handle with this id has closed. */
export function leave(id: number): void {
  const birth = births.get(id)
  if (!birth) return
  births.delete(id)
  if (birth.id !== id) return
  birth.scope?.delete(birth)
  for (const scope of processWide) scope.births.delete(birth)
}

/** Until the returned function is called, `scope` gets whatever is opened. */
export function watchAll(scope: Scope): () => void {
  processWide.add(scope)
  return () => void processWide.delete(scope)
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
  if (socket && !dialled.has(socket)) dialled.set(socket, birth)
}

/** The handle with which that socket began: it takes a new one for each address of a host that it tries. */
export function firstHandle(socket: object): Birth | undefined {
  return dialled.get(socket)
}

export function forgetAll(): void {
  births.clear()
  known = new WeakMap()
  listens = new WeakMap()
  dialled = new WeakMap()
}

function sweep(): void {
  for (const [id, birth] of births) if (birth.type === 'FILEHANDLE' && !isOpen(birth)) leave(id)
  sweepAt = Math.max(256, 2 * births.size)
}
