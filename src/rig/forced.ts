import type { ConnectionRecord } from '../model/connection.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'

/** A server or a proxy, as messages name it. */
export interface NamedPart {
  readonly url: string
  /** `at test/gateway.test.ts:41:18`, or nothing. */
  readonly opened: string
}

/** Connections of foreign clients were still open when the test ended, and had to be cut. Code `ERR_NETGRACE_FORCED`. */
export class ForcedConnectionError extends NetgraceError {
  readonly forced: readonly ConnectionRecord[]

  /** @param part  What it was connected to. */
  constructor(forced: readonly ConnectionRecord[], part: NamedPart) {
    const what = forced.length === 1 ? '1 connection was' : `${forced.length} connections were`
    super(
      'ERR_NETGRACE_FORCED',
      `${what} still open when the test ended and had to be cut: a client was never closed\n${linesOf(forced, part)}\n  Meant so?  allowForced: true`,
    )
    this.forced = forced
  }

  static {
    this.prototype.name = 'ForcedConnectionError'
  }
}

/** Foreign TLS clients had connected and not finished their handshakes when the test ended: the timeline says from where. */
export function handshakeError(pending: number, { url, opened }: NamedPart): NetgraceError {
  const what = pending === 1 ? '1 TLS handshake was' : `${pending} TLS handshakes were`
  const text = `${what} still under way when the test ended and had to be cut: a client was never closed\n  → ${url}${where(opened)}`
  return new NetgraceError('ERR_NETGRACE_FORCED', `${text}\n  Meant so?  allowForced: true`)
}

/** What is said of foreign clients that were open when the test ended, and closed only because our FIN asked them to. */
export function forgottenClients(forgotten: readonly ConnectionRecord[], part: NamedPart): string {
  const what = forgotten.length === 1 ? '1 client was' : `${forgotten.length} clients were`
  return `${what} still open when the test ended: ${linesOf(forgotten, part).trimStart()}`
}

export function forgottenError(forgotten: readonly ConnectionRecord[], part: NamedPart): NetgraceError {
  const hint = "They closed once the rig had sent its FIN. Close them in the test, or permit them: forgotten: 'report'"
  return new NetgraceError('ERR_NETGRACE_FORGOTTEN', `${forgottenClients(forgotten, part)}\n  ${hint}`)
}

export function unsettledError(unsettled: readonly ConnectionRecord[], { url, opened }: NamedPart): NetgraceError {
  const which = unsettled.map((one) => `connection #${one.id} from ${formatEndpoint(one.peer)}`)
  const what = unsettled.length === 1 ? 'a handler' : `${unsettled.length} handlers`
  const how = 'had not settled when the test ended, although quit had been signalled'
  return new NetgraceError('ERR_NETGRACE_UNSETTLED', `${what} of ${url} ${how}: ${which.join(', ')}${where(opened)}`)
}

function linesOf(records: readonly ConnectionRecord[], { url, opened }: NamedPart): string {
  const lines = records.map(
    (one) =>
      `  ${formatEndpoint(one.peer)} → ${url}, open ${Math.round(one.openMs)} ms, received ${one.bytesRead} B, sent ${one.bytesWritten} B`,
  )
  return lines.join('\n') + where(opened)
}

/** `opened`: as a {@link CallSite} words it. */
function where(opened: string): string {
  return opened && `\n  to what was opened ${opened}`
}
