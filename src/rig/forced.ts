import type { ConnectionRecord } from '../model/connection.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'

/** Connections of somebody else's clients were still open when the test ended, and had to be cut. Code `ERR_NETGRACE_FORCED`. */
export class ForcedConnectionError extends NetgraceError {
  readonly forced: readonly ConnectionRecord[]

  constructor(forced: readonly ConnectionRecord[], server: string) {
    const which = forced.map(
      (one) =>
        `  ${formatEndpoint(one.peer)} → ${server}, open ${Math.round(one.openMs)} ms, received ${one.bytesRead} B, sent ${one.bytesWritten} B`,
    )
    const what = forced.length === 1 ? '1 connection was' : `${forced.length} connections were`
    super(
      'ERR_NETGRACE_FORCED',
      `${what} still open when the test ended and had to be cut: a client was never closed\n${which.join('\n')}\n  Meant so?  allowForced: true`,
    )
    this.forced = forced
  }

  static {
    this.prototype.name = 'ForcedConnectionError'
  }
}

export function unsettledError(unsettled: readonly ConnectionRecord[], server: string): NetgraceError {
  const which = unsettled.map((one) => `connection #${one.id} from ${formatEndpoint(one.peer)}`)
  const what = unsettled.length === 1 ? 'a handler' : `${unsettled.length} handlers`
  return new NetgraceError(
    'ERR_NETGRACE_UNSETTLED',
    `${what} of ${server} had not settled when the test ended, though told to quit: ${which.join(', ')}`,
  )
}
