import { askedFor } from '../../lifetime/origin.ts'
import { describeEnding } from '../../model/describe-ending.ts'
import { decideEnding, type Ending } from '../../model/ending.ts'
import { endpointOf, formatEndpoint, type Address, type Endpoint } from '../../model/endpoint.ts'
import { ConnectError, NetgraceError } from '../../model/errors.ts'
import { wrongValue } from '../../model/invalid.ts'
import { checkOptions, signal, type Rules } from '../../model/options.ts'
import { now } from '../../timeline/clock.ts'
import { Timeline } from '../../timeline/timeline.ts'
import { connectUdp } from '../../wire/udp.ts'
import { NetUdpClient, type UdpClient } from './udp-client.ts'

export interface UdpClientOptions {
  /** Aborting it closes the client. */
  readonly signal?: AbortSignal | undefined
}

const RULES: Rules<UdpClientOptions> = { signal }

/**
 * Opens a UDP socket connected to one peer. That says nothing about whether anybody is there.
 *
 * The caller ends it with `close()`, `await using`, or by aborting `signal`.
 *
 * @throws {TypeError | RangeError}  An option or the address is wrong. Nothing has been opened.
 * @throws {ConnectError}  `ERR_NETGRACE_CONNECT`: the address cannot be reached from here, or `signal` aborted meanwhile; `ending`
 *   says which. Nothing is left open.
 * @throws {NetgraceError}  `ERR_NETGRACE_STOPPED`: `signal` had aborted already. Nothing has been opened.
 */
export async function openUdpClient(to: Address, options: UdpClientOptions = {}): Promise<UdpClient> {
  return askedFor(() => dialUdp(endpointOf(to), options, new Timeline()))
}

/** As {@link openUdpClient}, on a timeline that is there already. */
export async function dialUdp(to: Endpoint, options: UdpClientOptions, timeline: Timeline): Promise<NetUdpClient> {
  checkOptions(options, RULES)
  if ('path' in to) throw wrongValue('to', 'a host and a port', to)
  if (options.signal?.aborted) {
    throw new NetgraceError('ERR_NETGRACE_STOPPED', `UDP to ${formatEndpoint(to)}: signal had aborted already`, {
      cause: options.signal.reason,
    })
  }
  const track = timeline.openNumbered('client')
  const openedAtMs = now()
  const failed = (cause: Error, aborted: boolean): ConnectError => {
    const seen = { endSeen: false, falseEnd: false, finFirst: false, unsure: false }
    const verdict = decideEnding(aborted ? { ...seen, intent: 'closed' } : { ...seen, error: cause })
    const durationMs = now() - openedAtMs
    const ending: Ending = { ...verdict, phase: 'connecting', bytesRead: 0, bytesWritten: 0, durationMs, cause }
    track.record('ended', describeEnding(ending))
    timeline.close(track)
    return new ConnectError(`no UDP to ${formatEndpoint(to)}: ${describeEnding(ending)}`, ending)
  }
  const socket = await connectUdp(to, failed, options.signal)
  const client = new NetUdpClient(socket, track, timeline, options.signal)
  track.record('opened', `${formatEndpoint(client.local)} → ${formatEndpoint(client.peer)}, UDP`)
  return client
}
