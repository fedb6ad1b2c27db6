import { askedFor } from '../../lifetime/origin.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { NetgraceError } from '../../model/errors.ts'
import { wrongValue } from '../../model/invalid.ts'
import { Timeline } from '../../timeline/timeline.ts'
import { bindUdp, type UdpAddress } from '../../wire/udp.ts'
import type { ProxySetup } from '../net-proxy.ts'
import { DEFAULT_PROXY_HOST } from '../proxy-options.ts'
import { Upstream, type UpstreamAddress } from '../upstream.ts'
import { checkUdpProxyOptions, type UdpProxyOptions } from './udp-options.ts'
import { NetUdpProxy, type UdpFaultProxy } from './udp-proxy.ts'

/**
 * Starts a UDP proxy in front of `upstream` on a free loopback port and resolves once it receives. Each client address
 * is a session with an upstream socket of its own, so the server can tell them apart.
 *
 * The caller ends it with `stop()`, `await using`, or by aborting `signal`.
 *
 * @throws {TypeError | RangeError}  An option or the address is wrong. Nothing has been opened.
 * @throws {NetgraceError}  `ERR_NETGRACE_LISTEN`: the address could not be bound; `ERR_NETGRACE_STOPPED`: `signal` had aborted.
 */
export async function startUdpProxy(upstream: UpstreamAddress, options: UdpProxyOptions = {}): Promise<UdpFaultProxy> {
  return askedFor(() => openUdpProxy(upstream, options, { timeline: new Timeline() }))
}

/** As {@link startUdpProxy}, for whoever has a timeline. */
export async function openUdpProxy(upstream: UpstreamAddress, options: UdpProxyOptions, setup: ProxySetup): Promise<NetUdpProxy> {
  const behind = new Upstream(upstream)
  if (behind.fixed) withPort(behind.fixed)
  checkUdpProxyOptions(options)
  if (options.signal?.aborted) {
    throw new NetgraceError('ERR_NETGRACE_STOPPED', 'cannot start a proxy: signal had aborted already', { cause: options.signal.reason })
  }
  const socket = await bindUdp({ host: options.host ?? DEFAULT_PROXY_HOST, port: options.port ?? 0 })
  return new NetUdpProxy(socket, async () => withPort(await behind.endpoint()), options, setup)
}

function withPort(endpoint: Endpoint): UdpAddress {
  if ('path' in endpoint) throw wrongValue('upstream', 'a host and a port', endpoint)
  return endpoint
}
