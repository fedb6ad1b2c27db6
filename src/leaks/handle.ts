import type { Endpoint } from '../model/endpoint.ts'

/**
 * The little that is looked at of Node's handles. None of it is documented, all of it has been the same from Node 20 to
 * 26, and whatever is missing is left out of the report: every member may be absent.
 */
export interface Handle {
  readonly fd?: number
  readonly bytesRead?: number
  readonly bytesWritten?: number
  getAsyncId?(): number
  /** Gives it a new id in the context of the caller. */
  asyncReset?(resource: object): void
  hasRef?(): boolean
  ref?(): void
  unref?(): void
  /** A watcher's, and a worker's. */
  start?(...args: unknown[]): unknown
  startThread?(...args: unknown[]): unknown
  getsockname?(out: object): number
  getpeername?(out: object): number
  /** Of a TLS socket: that of its transport. */
  readonly _parent?: object
  /** A message port's. */
  listenerCount?(event: string): number
  /** A worker's. */
  readonly threadId?: number
  /** A timer's. */
  readonly _destroyed?: boolean
  readonly _idleTimeout?: number
  readonly _repeat?: number | null
}

/** The socket, server or child that a handle works for. */
export interface Owner {
  /** A unix listener's path. */
  readonly _pipeName?: string
  /** A child's: without one it was never born. */
  readonly pid?: number
  readonly spawnargs?: readonly string[]
  readonly stdio?: readonly unknown[]
  readonly channel?: unknown
  /** A socket's, from `connect()` on, and the host whose address it asked for. */
  readonly connecting?: boolean
  readonly _host?: string | null
  /** A socket's that tries all addresses of its host, one handle after the other. */
  readonly autoSelectFamilyAttemptedAddresses?: readonly string[]
}

let ownerKey: symbol | undefined
let handleKey: symbol | undefined

export function ownerOf(handle: Handle): Owner | undefined {
  ownerKey ??= Object.getOwnPropertySymbols(handle).find((symbol) => symbol.description === 'owner_symbol')
  const owner: unknown = ownerKey && (handle as Record<symbol, unknown>)[ownerKey]
  return typeof owner === 'object' && owner !== null ? owner : undefined
}

/** That of a socket, or of a stream of HTTP/2. */
export function handleOf(owner: object): Handle | undefined {
  if ('_handle' in owner) return (owner._handle as Handle | null) ?? undefined
  handleKey ??= Object.getOwnPropertySymbols(owner).find((symbol) => symbol.description === 'kHandle')
  return handleKey && (owner as Record<symbol, Handle | undefined>)[handleKey]
}

export function isUnref(handle: Handle): boolean {
  return handle.hasRef?.() === false
}

export function localOf(handle: Handle): Endpoint | undefined {
  return endpointOf((out) => handle.getsockname?.(out))
}

export function remoteOf(handle: Handle): Endpoint | undefined {
  return endpointOf((out) => handle.getpeername?.(out))
}

/** Whether the socket is that of the handle. A TLS socket's own handle stands before that of its transport. */
export function isBehind(socket: object, handle: object): boolean {
  const own = handleOf(socket)
  return own === handle || own?._parent === handle
}

function endpointOf(ask: (out: object) => number | undefined): Endpoint | undefined {
  const out: { address?: string; port?: number } = {}
  if (ask(out) !== 0 || out.address === undefined || out.port === undefined) return undefined
  return { host: out.address, port: out.port }
}
