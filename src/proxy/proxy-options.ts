import { wrongType, wrongValue } from '../model/invalid.ts'
import type { TcpFault } from './injections.ts'
import { checkMiddleTls, type MiddleTlsOptions } from './middle-tls.ts'
import {
  boolean,
  checkOptions,
  duration,
  integer,
  listenPath,
  listenPort,
  passedOn,
  signal,
  string,
  timeout,
  type Rule,
  type Rules,
} from '../model/options.ts'
import { checkWhere, type Where } from '../model/where.ts'

/** Default of `graceMs`: how long `stop()` lets both sides say goodbye. Milliseconds. */
export const DEFAULT_PROXY_GRACE_MS = 250

/** Default of `dialTimeoutMs`. Milliseconds. */
export const DEFAULT_DIAL_TIMEOUT_MS = 2500

/** Default of `host`: nothing listens beyond loopback unless asked. */
export const DEFAULT_PROXY_HOST = '127.0.0.1'

/** The largest seed. */
export const MAX_SEED = 2 ** 32 - 1

export interface ProxyOptions {
  /** Where to listen. Default {@link DEFAULT_PROXY_HOST}. */
  readonly host?: string | undefined
  /** Default 0: the kernel chooses, and the proxy holds it. */
  readonly port?: number | undefined
  /** A unix socket instead. */
  readonly path?: string | undefined
  /** Decides all that is random; it stands in every failure message. Default: another one each time. */
  readonly seed?: number | undefined
  /** On before the first byte. */
  readonly faults?: readonly (readonly [TcpFault, Where?])[] | undefined
  /** How long `stop()` lets both sides say goodbye. Default {@link DEFAULT_PROXY_GRACE_MS}. */
  readonly graceMs?: number | undefined
  /** Aborting it is `stop()`. */
  readonly signal?: AbortSignal | undefined
  /** TLS in the middle: the proxy ends the client's TLS and opens its own, so that faults and patterns work on what is in it. */
  readonly tls?: MiddleTlsOptions | undefined
  /** How long a dial may take, > 0; then the client is reset. Default {@link DEFAULT_DIAL_TIMEOUT_MS}. */
  readonly dialTimeoutMs?: number | undefined
  /** Allows that no dial ever succeeds; otherwise `stop()` rejects then. Default false. */
  readonly allowUnreachable?: boolean | undefined
}

const faultList: Rule = (name, value) => {
  if (!Array.isArray(value)) throw wrongType(name, 'a list of [fault, where]', value)
  for (const entry of value as unknown[]) {
    if (!Array.isArray(entry)) throw wrongType(name, 'a list of [fault, where]', value)
    checkFault(entry[0])
    if (entry[1] !== undefined) checkWhereOf(entry[0], entry[1] as Where)
  }
}

const tls: Rule = (name, value) => {
  passedOn(name, value)
  checkMiddleTls(value as MiddleTlsOptions, name)
}

export const proxyRules: Rules<ProxyOptions> = {
  host: string,
  port: listenPort,
  path: listenPath,
  seed: integer(0, MAX_SEED),
  faults: faultList,
  graceMs: duration,
  signal,
  tls,
  dialTimeoutMs: timeout,
  allowUnreachable: boolean,
}

export function checkProxyOptions(options: ProxyOptions): void {
  checkOptions(options, proxyRules)
  if (options.path !== undefined && (options.host !== undefined || options.port !== undefined)) {
    throw wrongValue('path', 'given without host and port', options.path)
  }
}

export function checkFault(fault: unknown): asserts fault is TcpFault {
  if (typeof fault === 'function') return
  if (typeof fault === 'object' && fault !== null) {
    const { name, connect, listener, datagram } = fault as Record<string, unknown>
    if (typeof connect === 'function' || listener === 'refuses') return
    if (datagram !== undefined)
      throw wrongValue('fault', 'one for TCP (a kernel sends again what is lost there: try loss, latency, bandwidth or stall)', name)
  }
  throw wrongType('fault', 'a fault, as faults.latency({ ms: 100 }) makes one', fault)
}

/** What says when a fault of bytes triggers has no meaning for one of connecting, and less still for one of the listener. */
const NOT_FOR: Readonly<Record<'connect' | 'listener', readonly (keyof Where)[]>> = {
  connect: ['direction', 'after'],
  listener: ['direction', 'after', 'links', 'times', 'probability'],
}

export function checkWhereOf(fault: TcpFault, where: Where): void {
  checkWhere(where)
  const kind = 'listener' in fault ? 'listener' : 'connect' in fault ? 'connect' : undefined
  if (!kind) return
  const key = NOT_FOR[kind].find((one) => where[one] !== undefined)
  if (key) throw wrongValue(`where.${key}`, `left out for ${fault.name}()`, where[key])
  if (where.links === 'open')
    throw wrongValue('where.links', `'later' or a function for ${fault.name}(), for open links have connected`, 'open')
}
