import type { LeakKind } from '../model/leak.ts'
import type { Birth } from './birth.ts'
import { ownerOf, type Handle } from './handle.ts'

/** One type of `async_hooks`. */
interface KindRule {
  /** What it is to people. */
  readonly kind: (birth: Birth) => LeakKind
  /** Closed, and for good. By default: a handle whose close is complete has lost what it wrapped, and no longer knows its id. */
  readonly isGone?: (handle: Handle) => boolean
  /** There, but with nothing to close as yet. */
  readonly isIdle?: (handle: Handle, birth: Birth) => boolean
}

const hasNoDescriptor = ({ fd = -1 }: Handle): boolean => fd < 0

/** Windows gives descriptors to nothing. */
const hasOpenedNothing = process.platform === 'win32' ? (): boolean => false : hasNoDescriptor

/** The allow-list: nothing is captured for a type that is not here. */
const RULES: ReadonlyMap<string, KindRule> = new Map<string, KindRule>([
  // What a `connect()` that threw leaves behind, and the sockets of a mocked network.
  ['TCPWRAP', { kind: () => 'tcp-socket', isIdle: (tcp) => hasOpenedNothing(tcp) && !isLookingUp(tcp) }],
  ['TCPSERVERWRAP', { kind: () => 'tcp-listener' }],
  ['PIPEWRAP', { kind: (birth) => (birth.accepted || birth.request ? 'unix-socket' : 'pipe'), isIdle: hasOpenedNothing }],
  ['PIPESERVERWRAP', { kind: () => 'unix-listener' }],
  // A datagram socket that was never bound and has sent nothing.
  ['UDPWRAP', { kind: () => 'udp-socket', isIdle: hasOpenedNothing }],
  ['Timeout', { kind: () => 'timer', isGone: ({ _destroyed }) => _destroyed === true }],
  // A child that could not be spawned.
  ['PROCESSWRAP', { kind: () => 'child-process', isIdle: (child) => ownerOf(child)?.pid === undefined }],
  // What a `new Worker()` that threw leaves behind.
  ['WORKER', { kind: () => 'worker', isIdle: (_, { started }) => !started }],
  // A port that nothing listens to is left to the garbage collector, as it should be.
  ['MESSAGEPORT', { kind: () => 'message-port', isGone: cannotBeRefd, isIdle: hasNoListener }],
  ['FSEVENTWRAP', { kind: () => 'fs-watcher' }],
  ['STATWATCHER', { kind: () => 'fs-watcher' }],
  ['FILEHANDLE', { kind: () => 'file', isGone: hasNoDescriptor }],
  // Ours: a descriptor without a handle.
  ['RAWFILE', { kind: () => 'file', isGone: hasNoDescriptor }],
])

export const TRACED_TYPES: readonly string[] = [...RULES.keys()]

export function isListener(type: string): boolean {
  return type === 'TCPSERVERWRAP' || type === 'PIPESERVERWRAP'
}

export function kindOf(birth: Birth): LeakKind {
  return RULES.get(birth.type)!.kind(birth)
}

export function isOpen(birth: Birth): boolean {
  return !isGone(birth) && RULES.get(birth.type)!.isIdle?.(birth.handle, birth) !== true
}

/** Not to be asked of a handle that is under construction. */
export function isGone({ type, handle }: Birth): boolean {
  return RULES.get(type)!.isGone?.(handle) ?? handle.getAsyncId?.() === -1
}

/** A socket has its descriptor from the dial on. Before that it waits for the address of its host, which may never come. */
function isLookingUp(tcp: Handle): boolean {
  const { connecting, _host } = ownerOf(tcp) ?? {}
  return connecting === true && typeof _host === 'string'
}

/** A port does not know its id, and one that has closed cannot be ref'd. */
function cannotBeRefd(port: Handle): boolean {
  if (port.hasRef?.() === true) return false
  port.ref?.()
  if (port.hasRef?.() !== true) return true
  port.unref?.()
  return false
}

function hasNoListener(port: Handle): boolean {
  return port.hasRef?.() !== true && (port.listenerCount?.('message') ?? 0) === 0
}
