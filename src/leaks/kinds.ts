import type { LeakKind } from '../model/leak.ts'
import type { Birth } from './birth.ts'
import { ownerOf, type Handle } from './handle.ts'

/** One type of `async_hooks`: what it is to people, and whether a birth that `destroy` has not yet reported is open. */
interface KindRule {
  readonly kind: (birth: Birth) => LeakKind
  readonly isOpen?: (birth: Birth) => boolean
}

/** The allow-list: nothing is captured for a type that is not here. */
const RULES: ReadonlyMap<string, KindRule> = new Map<string, KindRule>([
  ['TCPWRAP', { kind: () => 'tcp-socket' }],
  ['TCPSERVERWRAP', { kind: () => 'tcp-listener' }],
  ['PIPEWRAP', { kind: (birth) => (birth.accepted || birth.request ? 'unix-socket' : 'pipe') }],
  ['PIPESERVERWRAP', { kind: () => 'unix-listener' }],
  // A datagram socket that was never bound and has sent nothing has no descriptor: there is nothing to close.
  ['UDPWRAP', { kind: () => 'udp-socket', isOpen: ({ handle }) => process.platform === 'win32' || (handle.fd ?? 0) >= 0 }],
  ['Timeout', { kind: () => 'timer', isOpen: ({ handle }) => handle._destroyed !== true }],
  ['PROCESSWRAP', { kind: () => 'child-process', isOpen: ({ handle }) => ownerOf(handle)?.pid !== undefined }],
  ['WORKER', { kind: () => 'worker' }],
  // A port to which nobody listens is left to the garbage collector, as it should be.
  ['MESSAGEPORT', { kind: () => 'message-port', isOpen: ({ handle }) => handle.hasRef?.() === true || hasListener(handle) }],
  ['FSEVENTWRAP', { kind: () => 'fs-watcher' }],
  ['STATWATCHER', { kind: () => 'fs-watcher' }],
  // `destroy` waits for the garbage collector.
  ['FILEHANDLE', { kind: () => 'file', isOpen: ({ handle }) => (handle.fd ?? -1) >= 0 }],
])

export function isTraced(type: string): boolean {
  return RULES.has(type)
}

export function isListener(type: string): boolean {
  return type === 'TCPSERVERWRAP' || type === 'PIPESERVERWRAP'
}

export function kindOf(birth: Birth): LeakKind {
  return RULES.get(birth.type)!.kind(birth)
}

/** Of those that `destroy` has not reported. */
export function isOpen(birth: Birth): boolean {
  return RULES.get(birth.type)!.isOpen?.(birth) ?? true
}

function hasListener(port: Handle): boolean {
  return (port.listenerCount?.('message') ?? 0) > 0
}
