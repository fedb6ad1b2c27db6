// The only module that knows of async_hooks and diagnostics_channel. Off until the first hold, off again after the last.
import { AsyncLocalStorage, AsyncResource, createHook, executionAsyncId, executionAsyncResource } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { resolve } from 'node:path'

import { rememberAskers } from '../lifetime/origin.ts'
import { afterThis, clearTicker, clearTimer, setTicker, setTimer } from '../lifetime/timers.ts'
import { NetgraceError } from '../model/errors.ts'
import { now } from '../timeline/clock.ts'
import { Birth } from './birth.ts'
import { fileBorn, forgetFiles, requestBegan } from './files.ts'
import { handleOf, type Handle } from './handle.ts'
import { isListener, TRACED_TYPES } from './kinds.ts'
import { marks } from './marks.ts'
import {
  AGE_MS,
  birthOf,
  birthsIn,
  birthOfHandle,
  enter,
  forgetAll,
  formatAged,
  isWatched,
  listeningOf,
  rememberDial,
  rememberListen,
} from './registry.ts'
import { Scope } from './scope.ts'
import { captureStack, type Stack } from '../timeline/stack.ts'

export interface Context {
  readonly scope: Scope | undefined
  readonly origin: Stack | undefined
}

interface Queued extends Context {
  readonly stack: Stack
}

/** `listen(port, host)` goes through dns and loses the user's frame; this channel is published inside `listen()`. */
const LISTEN = 'tracing:net.server.listen:asyncStart'
/** Published inside `net.connect()`, nearer to the user than where its handle is born: a stack costs by the calls in it. */
const DIAL = 'net.client.socket'
/** Published when what a peer opened has been handed out, before anything of it is read. Node 20 does not know the second. */
const ACCEPTS = ['net.server.socket', 'http2.server.stream.created']

/** All others are passed over before anything is done for them: on Node 20 and 22 there is one for each promise. */
const CONCERN_US = new Set([
  ...TRACED_TYPES,
  'TCPCONNECTWRAP',
  'PIPECONNECTWRAP',
  'FSREQPROMISE',
  'HTTPINCOMINGMESSAGE',
  'QueuedRequest',
  'Test',
])

/** Of what was opened before it was watched. */
const UNWATCHED: Context = { scope: undefined, origin: undefined }

/** The kernel's act. */
const NOBODYS: Stack = {}

const contexts = new AsyncLocalStorage<Context>()
/** Where Node 20 and 22 keep a context, in its resource; later ones have no such key. */
const { kResourceStore: STORE } = contexts as { readonly kResourceStore?: symbol }
/** As this module was loaded: in no AsyncLocalStorage of the user's. */
const outside = AsyncLocalStorage.snapshot()
let holds = 0
/** The call of `net.connect()` that is under way, until its handle is born. */
let dial: { readonly stack: Stack; readonly within: number } | undefined
/** The accepted socket that is given its listener's context. */
let adopted: Birth | undefined
let declared: ((test: object) => void) | undefined
/** Requests that wait for a socket of their agent. */
const queued = marks<Queued>()
let isSupported = false
let ageing: ReturnType<typeof setTicker> | undefined

const hooks = {
  // Takes the cost off every `await` on Node 24 and 26; 20 and 22 do not know it.
  trackPromises: false,
  init: born,
}
const hook = createHook(hooks)

/** Keeps the tracer on until the returned function is called. */
export function holdTracer(): () => void {
  if (holds === 0) switchOn()
  holds++
  let held = true
  return () => {
    if (held && --holds === 0) switchOff()
    held = false
  }
}

/** Calls `act`; all that it opens, now or later, belongs to `scope`. */
export function runIn<T>(scope: Scope | undefined, act: () => T): T {
  return contexts.run({ scope, origin: undefined }, act)
}

/** From here on, all that this async context opens belongs to `scope`. */
export function enterScope(scope: Scope | undefined): void {
  contexts.enterWith({ scope, origin: undefined })
}

/** To whom what is opened now belongs, and which call of the user's asked for it. */
export function currentContext(): Context {
  return contexts.getStore() ?? { scope: undefined, origin: undefined }
}

/** The scope of the code that is running. */
export function currentScope(): Scope | undefined {
  return contexts.getStore()?.scope
}

/** `node:test` makes an AsyncResource of each of its tests. `act` gets them before they are complete. */
export function onTestDeclared(act: (test: object) => void): void {
  declared = act
}

function switchOn(): void {
  hook.enable()
  try {
    assertSupported()
  } catch (error) {
    hook.disable()
    throw error
  }
  ageing = outside(() => setTicker(formatAged, AGE_MS)).unref()
  subscribe(LISTEN, listening)
  subscribe(DIAL, dialling)
  for (const channel of ACCEPTS) subscribe(channel, adopting)
  rememberAskers({
    here: askedHere,
    current: () => contexts.getStore(),
    as: (asker, act) => contexts.run((asker as Context | undefined) ?? UNWATCHED, act),
  })
}

function switchOff(): void {
  hook.disable()
  clearTicker(ageing)
  unsubscribe(LISTEN, listening)
  unsubscribe(DIAL, dialling)
  for (const channel of ACCEPTS) unsubscribe(channel, adopting)
  rememberAskers(undefined)
  contexts.disable()
  forgetAll()
  forgetFiles()
  declared = undefined
  dial = undefined
}

/** Bun and Deno have `async_hooks` that are never called, and so would every check pass. */
function assertSupported(): void {
  if (isSupported) return
  const scope = new Scope(undefined)
  contexts.run({ scope, origin: undefined }, () => clearTimer(setTimer(() => {}, 1)))
  isSupported = birthsIn(scope).length === 1
  if (isSupported) return
  const { bun, deno } = process.versions
  const runtime = bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : `Node ${process.versions.node}`
  throw new NetgraceError(
    'ERR_NETGRACE_UNSUPPORTED',
    `leaks cannot be found here: a timer was started, and async_hooks of ${runtime} told nothing of it. Run the leak check under Node`,
  )
}

/** Runs inside the opening of every handle. Must not throw: Node ends the process when a hook does. */
function born(id: number, type: string, triggerId: number, resource: object): void {
  if (type === 'PROMISE' || !CONCERN_US.has(type)) return
  // Anybody may call a resource of their own what they like.
  if (resource instanceof AsyncResource) return ofNode(type, resource)
  switch (type) {
    case 'HTTPINCOMINGMESSAGE':
      return parserBorn(resource)
    case 'TCPCONNECTWRAP':
    case 'PIPECONNECTWRAP':
      return rememberDial(triggerId, resource)
    case 'FILEHANDLE':
      return fileBorn(id, resource)
    case 'FSREQPROMISE':
      return asked(resource)
    case 'Test':
      return
    default:
      return handleBorn(id, type, triggerId, resource)
  }
}

function ofNode(type: string, resource: object): void {
  if (type === 'Test') declared?.(resource)
  if (type !== 'QueuedRequest') return
  const { scope, origin } = currentContext()
  queued.set(resource, { scope, origin, stack: captureStack(born) })
}

function handleBorn(id: number, type: string, triggerId: number, resource: Handle): void {
  const { handle: reused } = resource as { readonly handle?: object }
  const before = bornBefore(type, resource, reused)
  if (before) return enter(before, reused ?? resource, id)
  if (reused) return
  const trigger = birthOf(triggerId)
  // Accepting is the one birth that happens outside of any callback.
  const accepted = trigger !== undefined && isListener(trigger.type) && executionAsyncId() === 0
  const { scope, origin } = (accepted ? trigger : contexts.getStore()) ?? {}
  if (!isWatched(scope)) return
  const via = accepted ? trigger : (trigger?.via ?? trigger)
  const stack = accepted ? NOBODYS : (dialled(type) ?? captureStack(born))
  if (accepted) listeningOf(trigger)
  const birth = new Birth({ type, ref: new WeakRef(resource), bornAtMs: now(), scope, origin, stack, via, accepted, id })
  enter(birth, resource, id)
  rememberStart(birth, resource)
}

/**
 * A request that waited for a socket of its agent gets one, used or new, from within the callbacks of the request before it,
 * and Node hands it over in the context in which the request was made. From there on the socket is that of the request.
 */
function inItsQueue(birth: Birth | undefined): Birth | undefined {
  const waited = birth && queued.get(executionAsyncResource())
  return waited ? Object.assign(birth, waited) : birth
}

/** Of two kinds only the call that starts them, right after the birth, knows what is watched, and whether there is a thread at all. */
function rememberStart(birth: Birth, handle: Handle): void {
  switch (birth.type) {
    case 'FSEVENTWRAP':
    case 'STATWATCHER':
      return onNextCall(handle, 'start', ([path]) => void (birth.path = typeof path === 'string' ? resolve(path) : undefined))
    case 'WORKER':
      return onNextCall(handle, 'startThread', () => void (birth.started = true))
    default:
      return
  }
}

function onNextCall(handle: Handle, method: 'start' | 'startThread', act: (args: readonly unknown[]) => void): void {
  const real = handle[method]
  if (typeof real !== 'function') return
  const once = (...args: unknown[]): unknown => {
    Reflect.deleteProperty(handle, method)
    act(args)
    return Reflect.apply(real, handle, args)
  }
  Object.defineProperty(handle, method, { value: once, configurable: true, enumerable: false })
}

/**
 * What is born again stays what it was when it was first opened: a socket whose handle gets a new id from an agent that
 * takes it again, under the stack of the request that took it, or from {@link adopting}; a timer that is refreshed after it
 * fired.
 */
function bornBefore(type: string, resource: object, reused: object | undefined): Birth | undefined {
  if (reused) return inItsQueue(birthOfHandle(reused))
  if (adopted?.handle === resource) return adopted
  return type === 'Timeout' ? birthOfHandle(resource) : undefined
}

/**
 * Before an `upgrade` or a `connect` the parser is let go, and with it, on Node 20 and 22, the context of whatever the
 * listener opens: from there on the parser itself is the resource.
 */
function parserBorn({ socket }: { readonly socket?: { readonly parser?: object | null } }): void {
  if (STORE === undefined) return
  const context = contexts.getStore()
  // The connection is given its parser right after.
  afterThis(() => {
    if (socket?.parser) Object.assign(socket.parser, { [STORE]: context })
  })
}

function asked(request: object): void {
  const { scope, origin } = contexts.getStore() ?? {}
  if (isWatched(scope)) requestBegan(request, { scope, origin, stack: captureStack(born) })
}

function dialling(): void {
  dial = isWatched(currentScope()) ? { stack: captureStack(dialling), within: executionAsyncId() } : undefined
}

/** The stack of the dial whose handle this is: the next one that its caller opens. */
function dialled(type: string): Stack | undefined {
  if (dial === undefined || (type !== 'TCPWRAP' && type !== 'PIPEWRAP')) return undefined
  const { stack, within } = dial
  dial = undefined
  return within === executionAsyncId() ? stack : undefined
}

/**
 * What a peer opens is born outside of any context: what its handlers open behind an `await` would be nobody's. So its
 * handle is born again in that of its listener or session, and in that of no AsyncLocalStorage but ours.
 */
function adopting(message: unknown): void {
  const { socket, stream } = message as { readonly socket?: object; readonly stream?: object }
  const handle = handleOf(socket ?? stream!)
  const context = contexts.getStore()
  if (!handle?.asyncReset || !context) return
  adopted = birthOf(handle.getAsyncId?.() ?? -1)
  outside(() => contexts.run(context, () => handle.asyncReset!(handle)))
  adopted = undefined
}

function listening(message: unknown): void {
  rememberListen((message as { readonly server: object }).server, captureStack(listening))
}

/** The outermost door is the one that the user called. */
export function askedHere<T>(act: () => T): T {
  const { scope, origin = captureStack(askedHere) } = contexts.getStore() ?? {}
  return contexts.run({ scope, origin }, act)
}

/** What is running, as its creator knows it; nothing but a promise once it has awaited something. */
export { executionAsyncResource as currentResource } from 'node:async_hooks'
