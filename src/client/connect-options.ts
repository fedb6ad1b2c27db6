import { boolean, checkOptions, duration, integer, nested, signal, string, type Rules } from '../model/options.ts'

/** Default of `connectTimeoutMs`. Milliseconds. */
export const DEFAULT_CONNECT_TIMEOUT_MS = 5000

export interface ConnectOptions {
  /** How long connecting may take. Default {@link DEFAULT_CONNECT_TIMEOUT_MS}. */
  readonly connectTimeoutMs?: number
  /** Ends the connection, as `timeout`, once no byte has come or gone for so long. Default: never. */
  readonly idleTimeoutMs?: number
  /** How long `close()` waits for the peer's FIN. Default 1000. */
  readonly closeTimeoutMs?: number
  /** Lets the kernel probe an idle peer, first after `delayMs`: at least 1000, for less counts as none. */
  readonly keepAlive?: { readonly delayMs: number }
  /** Keep our half open when the peer's FIN has come. Default `false`, as in Node: our FIN answers theirs. */
  readonly allowHalfOpen?: boolean
  /** Aborting it ends the connection, as `closed`. */
  readonly signal?: AbortSignal
  /** The address to dial from. */
  readonly localAddress?: string
}

const RULES: Rules<ConnectOptions> = {
  connectTimeoutMs: duration,
  idleTimeoutMs: duration,
  closeTimeoutMs: duration,
  keepAlive: nested({ delayMs: integer(1000) }),
  allowHalfOpen: boolean,
  signal,
  localAddress: string,
}

export function checkConnectOptions(options: ConnectOptions): void {
  checkOptions(options, RULES)
}
