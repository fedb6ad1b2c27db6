import { askedFor } from '../lifetime/origin.ts'
import { onAbort } from '../lifetime/on-abort.ts'
import { clearTimer, setTimer } from '../lifetime/timers.ts'
import { describeEnding } from '../model/describe-ending.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import { Timeline } from '../timeline/timeline.ts'
import { dial } from '../wire/dial.ts'
import { resetOrDestroy } from '../wire/reset.ts'
import type { FaultProxy } from './fault-proxy.ts'
import { NetProxy, type ProxySetup } from './net-proxy.ts'
import { checkProxyOptions, DEFAULT_DIAL_TIMEOUT_MS, type ProxyOptions } from './proxy-options.ts'
import { Upstream, type UpstreamAddress } from './upstream.ts'

/** How long the upstream may take to say goodbye to the connection that only asked whether it is there. Milliseconds. */
const GOODBYE_MS = 250

/**
 * Starts a proxy in front of `upstream` on a free loopback port and resolves once it is listening.
 *
 * The caller ends it with `stop()`, `await using`, or by aborting `signal`. That somebody is behind it is seen at the
 * start, by a connection that is closed at once; a netgrace server says it itself, and a function is asked at each dial instead.
 *
 * @param upstream  A server as it is, an endpoint, a URL with host and port, `'HOST:PORT'`, or a function that gives one.
 * @param options.host  Where to listen. Default {@link DEFAULT_PROXY_HOST}.
 * @param options.port  0 to 65535. Default 0: the kernel chooses, and the proxy holds it.
 * @param options.path  A unix socket instead of host and port.
 * @param options.seed  Decides all that is random. Default: another one each time; it stands in every failure message.
 * @param options.faults  `[fault, where]` each: on before the first byte.
 * @param options.graceMs  How long `stop()` lets both sides say goodbye. Milliseconds, ≥ 0. Default {@link DEFAULT_PROXY_GRACE_MS}.
 * @param options.dialTimeoutMs  How long a dial may take before its client is reset. Milliseconds. Default {@link DEFAULT_DIAL_TIMEOUT_MS}.
 * @param options.signal  Aborting it is `stop()`.
 * @throws {TypeError | RangeError}  An option or the address is wrong. Nothing has been opened.
 * @throws {NetgraceError}  `ERR_NETGRACE_UPSTREAM`: nobody is there; `ERR_NETGRACE_LISTEN`: the address could not be bound;
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
  await mustBeThere(behind, options.dialTimeoutMs ?? DEFAULT_DIAL_TIMEOUT_MS, setup.cancel)
  const proxy = new NetProxy(behind, options, setup)
  await proxy.open()
  return proxy
}

async function mustBeThere({ fixed, listening }: Upstream, withinMs: number, cancel?: AbortSignal): Promise<void> {
  if (fixed === undefined || listening) return
  const missing = (why: string, cause?: Error): NetgraceError => {
    const hint = 'Start the server first, or give a function, which is asked at each dial.'
    return new NetgraceError('ERR_NETGRACE_UPSTREAM', `nobody is behind the proxy at ${formatEndpoint(fixed)}: ${why}. ${hint}`, { cause })
  }
  if (listening === false) throw missing('it does not listen')
  const { socket, watch, standing } = dial(fixed, {})
  const giveUp = (intent: 'timeout' | 'closed'): void => {
    if (watch.intend(intent)) socket.destroy()
  }
  const timer = setTimer(() => giveUp('timeout'), withinMs)
  const forget = cancel && onAbort(cancel, () => giveUp('closed'))
  const stands = await standing
  clearTimer(timer)
  forget?.()
  if (!stands) throw missing(describeEnding(watch.ending()), watch.ending().cause)
  await new Promise<void>((resolve) => {
    const bound = setTimer(() => resetOrDestroy(socket), GOODBYE_MS)
    socket.once('close', () => {
      clearTimer(bound)
      resolve()
    })
    socket.resume().end()
  })
}
