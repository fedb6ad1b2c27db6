import { askedFor } from '../../lifetime/origin.ts'
import { NetgraceError } from '../../model/errors.ts'
import { checkOptions, duration, listenPort, signal, string, type Rules } from '../../model/options.ts'
import { Timeline } from '../../timeline/timeline.ts'
import { bindUdp } from '../../wire/udp.ts'
import { DEFAULT_HOST } from '../server-options.ts'
import { UdpEcho, type UdpServer } from './udp-server.ts'

export interface UdpServerOptions {
  /** Where to receive. Default {@link DEFAULT_HOST}. */
  readonly host?: string | undefined
  /** Default 0: the kernel chooses. */
  readonly port?: number | undefined
  /** How long `stop()` waits for answers on their way. Milliseconds. Default 1000. */
  readonly graceMs?: number | undefined
  /** Aborting it is `stop()`. */
  readonly signal?: AbortSignal | undefined
}

const RULES: Rules<UdpServerOptions> = { host: string, port: listenPort, graceMs: duration, signal }

/**
 * Starts a UDP echo server on a free loopback port and resolves once it receives.
 *
 * The caller ends it with `stop()`, `await using`, or by aborting `signal`.
 *
 * @throws {TypeError | RangeError}  An option is wrong. Nothing has been opened.
 * @throws {NetgraceError}  `ERR_NETGRACE_LISTEN`: the address could not be bound, `cause` is the system's error;
 *   `ERR_NETGRACE_STOPPED`: `signal` had aborted, or aborted meanwhile. Nothing is left open.
 * @see RFC 862
 */
export async function startUdpEchoServer(options: UdpServerOptions = {}): Promise<UdpServer> {
  return askedFor(() => openUdpEcho(options, new Timeline()))
}

/** As {@link startUdpEchoServer}, on a timeline that is there already. */
export async function openUdpEcho(options: UdpServerOptions, timeline: Timeline): Promise<UdpEcho> {
  checkOptions(options, RULES)
  if (options.signal?.aborted) {
    throw new NetgraceError('ERR_NETGRACE_STOPPED', 'cannot start a server: signal had aborted already', { cause: options.signal.reason })
  }
  const socket = await bindUdp({ host: options.host ?? DEFAULT_HOST, port: options.port ?? 0 }, options.signal)
  return new UdpEcho(socket, timeline, options)
}
