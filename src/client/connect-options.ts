import type { ConnectionOptions } from 'node:tls'

import { boolean, checkOptions, passedOn, signal, string, timeout, type Rules } from '../model/options.ts'
import { keepAliveRule, type KeepAlive } from './keep-alive.ts'

/** Default of `connectTimeoutMs`. Milliseconds, well below a test's own timeout. */
export const DEFAULT_CONNECT_TIMEOUT_MS = 2500

export interface ConnectOptions {
  /** How long connecting may take, > 0. Default {@link DEFAULT_CONNECT_TIMEOUT_MS}. */
  readonly connectTimeoutMs?: number | undefined
  /** Ends the connection, as `timeout`, once no byte has come or gone for so long, > 0. Default: never. */
  readonly idleTimeoutMs?: number | undefined
  /** How long `close()` waits for the peer's FIN, > 0. Default 1000. */
  readonly closeTimeoutMs?: number | undefined
  /**
   * Lets the kernel probe an idle peer, and end the connection as `lost` when it does not answer. In whole seconds:
   * first after `delayMs`, then each `intervalMs`, `count` times. The last two where Node has them (24 and later).
   */
  readonly keepAlive?: KeepAlive | undefined
  /** TLS, with what `tls.connect` takes beside the address. */
  readonly tls?: ConnectionOptions | undefined
  /** Keep our half open when the peer's FIN has come. Default `false`, as in Node: our FIN answers theirs. */
  readonly allowHalfOpen?: boolean | undefined
  /** Aborting it ends the connection, as `closed`. */
  readonly signal?: AbortSignal | undefined
  /** The address to dial from. */
  readonly localAddress?: string | undefined
}

const RULES: Rules<ConnectOptions> = {
  connectTimeoutMs: timeout,
  idleTimeoutMs: timeout,
  closeTimeoutMs: timeout,
  keepAlive: keepAliveRule,
  tls: passedOn,
  allowHalfOpen: boolean,
  signal,
  localAddress: string,
}

export function checkConnectOptions(given: ConnectOptions): void {
  checkOptions(given, RULES)
}
