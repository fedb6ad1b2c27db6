import { askedFor } from '../lifetime/origin.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import { Timeline } from '../timeline/timeline.ts'
import type { FaultProxy } from './fault-proxy.ts'
import { NetProxy, type ProxySetup } from './net-proxy.ts'
import { checkProxyOptions, type ProxyOptions } from './proxy-options.ts'
import { Upstream, type UpstreamAddress } from './upstream.ts'

/**
 * Starts a proxy in front of `upstream` on a free loopback port and resolves once it is listening.
 *
 * The caller ends it with `stop()`, `await using`, or by aborting `signal`. It dials the upstream for each link, and never
 * otherwise. Where nothing listens, the client is reset, and `history` says so; if no dial ever succeeded, `stop()` rejects.
 *
 * @param upstream  A server as it is, an endpoint, a URL (without a port it is the scheme's default one), `'HOST:PORT'`, or a function that gives one for each link.
 * @param options.host  Where to listen. Default {@link DEFAULT_PROXY_HOST}.
 * @param options.port  0 to 65535. Default 0: the kernel chooses, and the proxy holds it.
 * @param options.path  A unix socket instead of host and port.
 * @param options.seed  Decides all that is random. Default: another one each time; it stands in every failure message.
 * @param options.faults  `[fault, where]` each: on before the first byte.
 * @param options.graceMs  How long `stop()` lets both sides say goodbye. Milliseconds, ≥ 0. Default {@link DEFAULT_PROXY_GRACE_MS}.
 * @param options.dialTimeoutMs  How long a dial may take before its client is reset. Milliseconds. Default {@link DEFAULT_DIAL_TIMEOUT_MS}.
 * @param options.allowUnreachable  Allows that no dial ever succeeds. Default false; a function as upstream allows it too, and so does `down()`.
 * @param options.signal  Aborting it is `stop()`.
 * @throws {TypeError | RangeError}  An option or the address is wrong. Nothing has been opened.
 * @throws {NetgraceError}  `ERR_NETGRACE_UPSTREAM`: it is a server of netgrace that does not listen; `ERR_NETGRACE_LISTEN`: the address could not be bound;
 *   `ERR_NETGRACE_STOPPED`: `signal` had aborted, or aborted meanwhile. Nothing is left open.
 */
export async function startProxy(upstream: UpstreamAddress, options: ProxyOptions = {}): Promise<FaultProxy> {
  return askedFor(() => openProxy(upstream, options, { timeline: new Timeline() }))
}

/** As {@link startProxy}, for whoever has a timeline. */
export async function openProxy(upstream: UpstreamAddress, options: ProxyOptions, setup: ProxySetup): Promise<NetProxy> {
  const behind = new Upstream(upstream)
  checkProxyOptions(options)
  if (options.signal?.aborted) {
    throw new NetgraceError('ERR_NETGRACE_STOPPED', 'cannot start a proxy: signal had aborted already', { cause: options.signal.reason })
  }
  if (!options.allowUnreachable) mustListen(behind)
  const proxy = new NetProxy(behind, options, setup)
  await proxy.open()
  if (!setup.cancel?.aborted) return proxy
  await proxy.halt({ graceMs: 0 })
  throw new NetgraceError('ERR_NETGRACE_STOPPED', 'the proxy was cancelled before it was open')
}

/** A part of ours says by itself whether it listens; anything else would have to be dialled, and what is dialled may count it. */
function mustListen({ fixed, listening }: Upstream): void {
  if (fixed === undefined || listening !== false) return
  const message = `nothing listens at ${formatEndpoint(fixed)}: the server there is not listening. Start it first, give a function, which is asked for each link, or \`allowUnreachable: true\`.`
  throw new NetgraceError('ERR_NETGRACE_UPSTREAM', message)
}
