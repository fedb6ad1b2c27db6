import { onAbort } from '../lifetime/on-abort.ts'
import { askedFor } from '../lifetime/origin.ts'
import { formatEndpoint, type Address, type Endpoint } from '../model/endpoint.ts'
import { asError } from '../lifetime/throw-all.ts'
import { NetgraceError } from '../model/errors.ts'
import type { Client } from '../model/client.ts'
import { callSite, type CallSite } from '../timeline/call-site.ts'
import { Timeline } from '../timeline/timeline.ts'
import type { NetClient } from './client.ts'
import { checkConnectOptions, type ConnectOptions } from './connect-options.ts'
import { Dialling } from './dialling.ts'
import { endpointToDial } from './endpoint-to-dial.ts'

/**
 * Opens a connection and resolves to its client once it stands. The server may not have accepted it yet.
 *
 * The caller ends it with `close()`, `reset()`, `await using`, or by aborting `signal`.
 *
 * @param to  A server or proxy as it is, an endpoint, a URL with host and port, or `'HOST:PORT'`.
 * @param options.connectTimeoutMs  How long connecting may take. Milliseconds, > 0. Default {@link DEFAULT_CONNECT_TIMEOUT_MS}.
 * @throws {TypeError | RangeError}  An option or the address is wrong, or `to` is a server or proxy of netgrace's that speaks TLS, and there is no `tls`. Nothing has been opened.
 * @throws {ConnectError}  `ERR_NETGRACE_CONNECT`: it did not come to a connection; `ending` says how.
 * @throws {NetgraceError}  `ERR_NETGRACE_STOPPED`: `signal` had aborted already. Nothing has been opened.
 */
export async function connect(to: Address, options: ConnectOptions = {}): Promise<Client> {
  const by = callSite(connect)
  return askedFor(() => openClient(endpointToDial(to, options), options, new Timeline(), { by }))
}

/** What a client is opened with, beside its options. */
export interface ConnectSetup {
  /** The line that asks for it, for the record. */
  readonly by?: CallSite
  /** When it aborts, it dials no longer; a client that stands is not touched. */
  readonly cancel?: AbortSignal
}

/** As {@link connect}, on a timeline that is there already. */
export async function openClient(
  to: Endpoint,
  options: ConnectOptions,
  timeline: Timeline,
  { by, cancel }: ConnectSetup = {},
): Promise<NetClient> {
  checkConnectOptions(options)
  const { signal } = options
  if (signal?.aborted)
    throw new NetgraceError('ERR_NETGRACE_STOPPED', `connect to ${formatEndpoint(to)}: signal had aborted already`, {
      cause: signal.reason,
    })

  const dialling = new Dialling(to, options, timeline, by)
  if (!signal && !cancel) return dialling.client
  const forget = [signal, cancel].map((one) => one && onAbort(one, (reason) => dialling.giveUp('closed', asError(reason))))
  try {
    return await dialling.client
  } finally {
    for (const each of forget) each?.()
  }
}
