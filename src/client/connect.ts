import { onAbort } from '../lifetime/on-abort.ts'
import { askedFor } from '../lifetime/origin.ts'
import { clearTimer, setTimer } from '../lifetime/timers.ts'
import { describeEnding } from '../model/describe-ending.ts'
import { endpointOf, formatEndpoint, type Address, type Endpoint } from '../model/endpoint.ts'
import { asError } from '../lifetime/throw-all.ts'
import { ConnectError, NetgraceError } from '../model/errors.ts'
import type { Client } from '../model/client.ts'
import { callSite } from '../timeline/call-site.ts'
import { Timeline } from '../timeline/timeline.ts'
import { dial } from '../wire/dial.ts'
import { NetClient } from './client.ts'
import { checkConnectOptions, DEFAULT_CONNECT_TIMEOUT_MS, type ConnectOptions } from './connect-options.ts'

/**
 * Opens a connection and resolves to its client once it stands. The server may not have accepted it yet.
 *
 * The caller ends it with `close()`, `reset()`, `await using`, or by aborting `signal`.
 *
 * @param to  A server or proxy as it is, an endpoint, a URL with host and port, or `'HOST:PORT'`.
 * @param options.connectTimeoutMs  How long connecting may take. Milliseconds, ≥ 0. Default {@link DEFAULT_CONNECT_TIMEOUT_MS}.
 * @throws {TypeError | RangeError}  An option or the address is wrong. Nothing has been opened.
 * @throws {ConnectError}  `ERR_NETGRACE_CONNECT`: it did not come to a connection; `ending` says how.
 * @throws {NetgraceError}  `ERR_NETGRACE_STOPPED`: `signal` had aborted already. Nothing has been opened.
 */
export async function connect(to: Address, options: ConnectOptions = {}): Promise<Client> {
  return askedFor(() => openClient(endpointOf(to), options, new Timeline()))
}

/** As {@link connect}, on a timeline that is there already. */
export async function openClient(to: Endpoint, options: ConnectOptions, timeline: Timeline): Promise<NetClient> {
  checkConnectOptions(options)
  const { signal, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = options
  if (signal?.aborted)
    throw new NetgraceError('ERR_NETGRACE_STOPPED', `connect to ${formatEndpoint(to)}: signal had aborted already`, {
      cause: signal.reason,
    })

  const track = timeline.openNumbered('client')
  const by = callSite()
  track.record('dialling', { toString: () => `${formatEndpoint(to)} ${by.toString()}`.trim() })
  const { socket, raw, watch, standing } = dial(to, options)
  const giveUp = (intent: 'timeout' | 'closed', cause?: Error): void => {
    if (watch.intend(intent, cause)) socket.destroy()
  }
  const timer = setTimer(() => giveUp('timeout'), connectTimeoutMs)
  const forget = signal && onAbort(signal, (reason) => giveUp('closed', asError(reason)))
  const stands = await standing
  clearTimer(timer)
  forget?.()

  if (!stands) {
    const ending = watch.ending()
    track.record('ended', describeEnding(ending))
    timeline.close(track)
    throw new ConnectError(`could not connect to ${formatEndpoint(to)}: ${describeEnding(ending)}`, ending)
  }
  const ends = 'path' in to ? { local: { path: '' }, peer: to } : {}
  return new NetClient({ socket, raw, ...ends, watch, timeline, track }, options)
}
