import { wrongType } from '../../model/invalid.ts'
import type { UdpFault } from '../../model/fault.ts'
import {
  boolean,
  checkOptions,
  duration,
  interval,
  integer,
  listenPort,
  oneOf,
  signal,
  string,
  type Rule,
  type Rules,
} from '../../model/options.ts'
import { checkAfter, checkEvery, probability, type After, type Every } from '../../model/where.ts'
import { MAX_SEED } from '../proxy-options.ts'

/** Default of `idleMs`: a session without a datagram either way is over. Milliseconds. */
export const DEFAULT_IDLE_MS = 60_000

/** Where a fault of datagrams strikes. */
export interface UdpWhere {
  /** Default `both`. */
  readonly direction?: 'upstream' | 'downstream' | 'both' | undefined
  /** So many datagrams at most. */
  readonly times?: number | undefined
  /** For each datagram. */
  readonly probability?: number | undefined
  /**
   * When it becomes active on a session: so many `bytes` of the direction have come, a `match` has come in either direction, within
   * one datagram, then so many `ms` have passed. Those bytes, and the datagram that matches, still pass.
   */
  readonly after?: After | undefined
  /** On and off in turns, from the injection on. Turned off, it passes on what it holds. */
  readonly every?: Every | undefined
  /** It may meet nothing. Otherwise that is an error when the proxy stops. */
  readonly optional?: boolean | undefined
}

export interface UdpProxyOptions {
  /** Where to receive. Default `127.0.0.1`. */
  readonly host?: string | undefined
  /** Default 0: the kernel chooses. */
  readonly port?: number | undefined
  /** Decides all that is random; it stands in every failure message. Default: another one each time. */
  readonly seed?: number | undefined
  /** On before the first datagram. */
  readonly faults?: readonly (readonly [UdpFault, UdpWhere?])[] | undefined
  /** How long a session may be silent. Default {@link DEFAULT_IDLE_MS}. */
  readonly idleMs?: number | undefined
  /** How long `stop()` waits for datagrams that are delayed. Milliseconds. Default {@link DEFAULT_PROXY_GRACE_MS}. */
  readonly graceMs?: number | undefined
  /** Aborting it is `stop()`. */
  readonly signal?: AbortSignal | undefined
}

const WHERE: Rules<UdpWhere> = {
  direction: oneOf('upstream', 'downstream', 'both'),
  times: integer(1),
  probability,
  after: checkAfter,
  every: checkEvery,
  optional: boolean,
}

export function checkUdpWhere(where: UdpWhere): void {
  checkOptions(where, WHERE, 'where')
}

export function checkUdpFault(fault: unknown): asserts fault is UdpFault {
  const { datagram } = (fault ?? {}) as { readonly datagram?: unknown }
  if (typeof datagram !== 'function')
    throw wrongType('fault', 'a fault for UDP: drop, duplicate, reorder, latency, loss, bandwidth, stall or corrupt', fault)
}

const faultList: Rule = (name, value) => {
  if (!Array.isArray(value)) throw wrongType(name, 'a list of [fault, where]', value)
  for (const entry of value as unknown[]) {
    if (!Array.isArray(entry)) throw wrongType(name, 'a list of [fault, where]', value)
    checkUdpFault(entry[0])
    if (entry[1] !== undefined) checkUdpWhere(entry[1] as UdpWhere)
  }
}

const RULES: Rules<UdpProxyOptions> = {
  host: string,
  port: listenPort,
  seed: integer(0, MAX_SEED),
  faults: faultList,
  idleMs: interval,
  graceMs: duration,
  signal,
}

export function checkUdpProxyOptions(options: UdpProxyOptions): void {
  checkOptions(options, RULES)
}
