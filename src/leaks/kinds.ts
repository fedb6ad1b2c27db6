import type { LeakKind } from '../model/leak.ts'
import type { Birth } from './birth.ts'
import { ownerOf, type Handle } from './handle.ts'

/** One type of `async_hooks`: what it is to people, and whether a handle of it is open. */
interface KindRule {
  readonly kind: (birth: Birth) => LeakKind
  readonly isOpen: (handle: Handle) => boolean
}

/** The allow-list: nothing is captured for a type that is not here. */
const RULES: ReadonlyMap<string, KindRule> = new Map<string, KindRule>([
  ['TCPWRAP', { kind: () => 'tcp-socket', isOpen: isAlive }],
  ['TCPSERVERWRAP', { kind: () => 'tcp-listener', isOpen: isAlive }],
  ['PIPEWRAP', { kind: (birth) => (birth.accepted || birth.request ? 'unix-socket' : 'pipe'), isOpen: isAlive }],
  ['PIPESERVERWRAP', { kind: () => 'unix-listener', isOpen: isAlive }],
  // A datagram socket that was never bound and has sent nothing has no descriptor: there is nothing to close.
  ['UDPWRAP', { kind: () => 'udp-socket', isOpen: (udp) => isAlive(udp) && (process.platform === 'win32' || (udp.fd ?? 0) >= 0) }],
  ['Timeout', { kind: () => 'timer', isOpen: ({ _destroyed }) => _destroyed !== true }],
  ['PROCESSWRAP', { kind: () => 'child-process', isOpen: (child) => isAlive(child) && ownerOf(child)?.pid !== undefined }],
  ['WORKER', { kind: () => 'worker', isOpen: isAlive }],
  ['MESSAGEPORT', { kind: () => 'message-port', isOpen: isListenedTo }],
  ['FSEVENTWRAP', { kind: () => 'fs-watcher', isOpen: isAlive }],
  ['STATWATCHER', { kind: () => 'fs-watcher', isOpen: isAlive }],
  ['FILEHANDLE', { kind: () => 'file', isOpen: ({ fd = -1 }) => fd >= 0 }],
  // Ours: a descriptor without a handle.
  ['RAWFILE', { kind: () => 'file', isOpen: ({ fd = -1 }) => fd >= 0 }],
])

export const TRACED_TYPES: readonly string[] = [...RULES.keys()]

export function isListener(type: string): boolean {
  return type === 'TCPSERVERWRAP' || type === 'PIPESERVERWRAP'
}

export function kindOf(birth: Birth): LeakKind {
  return RULES.get(birth.type)!.kind(birth)
}

export function isOpen(birth: Birth): boolean {
  return RULES.get(birth.type)!.isOpen(birth.handle)
}

/** A handle whose close is complete has lost what it wrapped, and no longer knows its id. */
function isAlive(handle: Handle): boolean {
  return handle.getAsyncId?.() !== -1
}

/** A port to which nobody listens is left to the garbage collector, as it should be. One that has closed cannot be ref'd. */
function isListenedTo(port: Handle): boolean {
  if (port.hasRef?.() === true) return true
  if ((port.listenerCount?.('message') ?? 0) === 0) return false
  port.ref?.()
  const alive = port.hasRef?.() === true
  if (alive) port.unref?.()
  return alive
}
