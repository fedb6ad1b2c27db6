import type { Ending } from './ending.ts'

/** The codes that a {@link NetgraceError} can carry. */
export type NetgraceErrorCode =
  | 'ERR_NETGRACE_CARRIES_TLS'
  | 'ERR_NETGRACE_CONNECT'
  | 'ERR_NETGRACE_CONNECTION_ENDED'
  | 'ERR_NETGRACE_FAULT'
  | 'ERR_NETGRACE_DATAGRAM'
  | 'ERR_NETGRACE_FAULT_UNUSED'
  | 'ERR_NETGRACE_FORCED'
  | 'ERR_NETGRACE_FORGOTTEN'
  | 'ERR_NETGRACE_HALF_CLOSED'
  | 'ERR_NETGRACE_LEAK'
  | 'ERR_NETGRACE_LISTEN'
  | 'ERR_NETGRACE_SCENARIO'
  | 'ERR_NETGRACE_SCRIPT'
  | 'ERR_NETGRACE_SPAWN'
  | 'ERR_NETGRACE_STOPPED'
  | 'ERR_NETGRACE_TIMEOUT'
  | 'ERR_NETGRACE_TRUNCATED'
  | 'ERR_NETGRACE_UNGRACEFUL'
  | 'ERR_NETGRACE_UNKNOWN_CONNECTION'
  | 'ERR_NETGRACE_UNSETTLED'
  | 'ERR_NETGRACE_UNSUPPORTED'
  | 'ERR_NETGRACE_UPSTREAM'

/** What netgrace throws when the caller's world went wrong: a `code` for programs, a message that says what, which and what to do, and the system's error as `cause`. */
export class NetgraceError extends Error {
  readonly code: NetgraceErrorCode

  constructor(code: NetgraceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  static {
    this.prototype.name = 'NetgraceError'
  }
}

/** `connect()` did not come to a connection; `ending` says how it ended instead. Code `ERR_NETGRACE_CONNECT`. */
export class ConnectError extends NetgraceError {
  readonly ending: Ending

  constructor(message: string, ending: Ending) {
    super('ERR_NETGRACE_CONNECT', message, { cause: ending.cause })
    this.ending = ending
  }

  static {
    this.prototype.name = 'ConnectError'
  }
}

/** The connection ended before what was asked of it was done; `ending` says how. Code `ERR_NETGRACE_CONNECTION_ENDED`. */
export class ConnectionEndedError extends NetgraceError {
  readonly ending: Ending

  constructor(message: string, ending: Ending) {
    super('ERR_NETGRACE_CONNECTION_ENDED', message, { cause: ending.cause })
    this.ending = ending
  }

  static {
    this.prototype.name = 'ConnectionEndedError'
  }
}

/** Faults were injected and never triggered: the client did not come through the proxy, or not as far. `faults` says which. Code `ERR_NETGRACE_FAULT_UNUSED`. */
export class FaultUnusedError extends NetgraceError {
  readonly faults: readonly string[]

  constructor(message: string, faults: readonly string[]) {
    super('ERR_NETGRACE_FAULT_UNUSED', message)
    this.faults = faults
  }

  static {
    this.prototype.name = 'FaultUnusedError'
  }
}
