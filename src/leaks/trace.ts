// The only module that knows of async_hooks and diagnostics_channel. Off until the first hold, off again after the last.
import { AsyncLocalStorage, createHook, executionAsyncId } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'

import { rememberAskers } from '../lifetime/origin.ts'
import { now } from '../timeline/clock.ts'
import type { Birth } from './birth.ts'
import { ownerOf } from './handle.ts'
import { isListener, isTraced } from './kinds.ts'
import type { Scope } from './scope.ts'
import { captureStack, type Stack } from './stack.ts'

interface Context {
  readonly scope: Scope | undefined
  readonly origin: Stack | undefined
}

/** `listen(port, host)` goes through dns and loses the user's frame; this channel is published inside `listen()`. */
const LISTEN = 'tracing:net.server.listen:asyncStart'

const contexts = new AsyncLocalStorage<Context>()
/** Those that are open, by async id. */
const births = new Map<number, Birth>()
let known = new WeakMap<object, Birth>()
let listens = new WeakMap<object, Stack>()
let dialled = new WeakMap<object, Birth>()
const processWide = new Set<Scope>()
let holds = 0

const options = {
  // Takes the cost off every `await` on Node 24 and 26; 20 and 22 do not know it.
  trackPromises: false,
  init: born,
  destroy: died,
}
const hook = createHook(options)

/** Keeps the tracer on until the returned function is called. */
export function holdTracer(): () => void {
  if (holds++ === 0) switchOn()
  let held = true
  return () => {
    if (held && --holds === 0) switchOff()
    held = false
  }
}

/** Calls `act`; all that it opens, now or later, belongs to `scope`. */
export function runIn<T>(scope: Scope, act: () => T): T {
  return contexts.run({ scope, origin: undefined }, act)
}

/** The scope of the code that is running. */
export function currentScope(): Scope | undefined {
  return contexts.getStore()?.scope
}

/** The handle with which that socket began: it takes a new one for each address of a host that it tries. */
export function firstHandle(socket: object): Birth | undefined {
  return dialled.get(socket)
}

/** Where `listen()` of that server was called. */
export function listenCall(server: object): Stack | undefined {
  return listens.get(server)
}

function switchOn(): void {
  hook.enable()
  subscribe(LISTEN, listening)
  rememberAskers(askedHere)
}

/** The outermost door is the one that the user called. */
function askedHere<T>(act: () => T): T {
  const context = contexts.getStore()
  return contexts.run({ scope: context?.scope, origin: context?.origin ?? captureStack(askedHere) }, act)
}

function switchOff(): void {
  hook.disable()
  unsubscribe(LISTEN, listening)
  rememberAskers(undefined)
  contexts.disable()
  births.clear()
  known = new WeakMap()
  listens = new WeakMap()
  dialled = new WeakMap()
}

/** Runs inside the opening of every handle. Must not throw: Node ends the process when a hook does. */
function born(id: number, type: string, triggerId: number, resource: object): void {
  if (type === 'TCPCONNECTWRAP' || type === 'PIPECONNECTWRAP') return dialling(triggerId, resource)
  if (!isTraced(type)) return
  // An agent that takes a socket again gives its handle a new id, under the stack of the request that took it; a timer
  // that is refreshed after it fired is the timer that it was. Both stay what they were when they were first opened.
  const handle = (resource as { readonly handle?: object }).handle ?? resource
  const before = known.get(handle)
  if (before) return enter(before, id)
  if (handle !== resource) return
  const trigger = births.get(triggerId)
  // Accepting is the one birth that happens outside of any callback.
  const accepted = trigger !== undefined && isListener(trigger.type) && executionAsyncId() === 0
  const context = contexts.getStore()
  const scope = accepted ? trigger.scope : context?.scope
  if (!scope && processWide.size === 0) return
  const birth: Birth = {
    type,
    handle,
    bornAtMs: now(),
    scope,
    stack: captureStack(born),
    origin: accepted ? trigger.origin : context?.origin,
    via: accepted ? trigger : (trigger?.via ?? trigger),
    accepted,
    id,
  }
  known.set(handle, birth)
  enter(birth, id)
}

function died(id: number): void {
  const birth = births.get(id)
  if (!birth) return
  births.delete(id)
  if (birth.id !== id) return
  birth.scope?.delete(birth)
  for (const scope of processWide) scope.births.delete(birth)
}

function enter(birth: Birth, id: number): void {
  birth.id = id
  births.set(id, birth)
  birth.scope?.add(birth)
  for (const scope of processWide) scope.births.add(birth)
}

function dialling(handleId: number, request: object): void {
  const birth = births.get(handleId)
  if (!birth) return
  birth.request = request
  const socket = ownerOf(birth.handle)
  if (socket && !dialled.has(socket)) dialled.set(socket, birth)
}

function listening(message: unknown): void {
  const { server } = message as { readonly server: object }
  listens.set(server, captureStack(listening))
}
