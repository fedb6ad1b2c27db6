import type { TlsOptions } from 'node:tls'

import { wrongValue } from '../model/invalid.ts'
import { boolean, checkOptions, duration, listenPath, listenPort, passedOn, signal, string, type Rules } from '../model/options.ts'
import { closingRule, type Closing } from './closing.ts'

/** Default of `graceMs`: how long `stop()` lets connections finish. Milliseconds. */
export const DEFAULT_GRACE_MS = 1000

/** Default of `host`: nothing listens beyond loopback unless asked. */
export const DEFAULT_HOST = '127.0.0.1'

export interface ServerOptions {
  /** Where to listen. Default {@link DEFAULT_HOST}. */
  readonly host?: string | undefined
  /** Default 0: the kernel chooses, and the server holds it. */
  readonly port?: number | undefined
  /** A unix socket instead; its file is made, and gone after the stop. */
  readonly path?: string | undefined
  /** TLS instead: certificate, key and what else `tls.createServer` takes. A handler gets the connection when its handshake is done. */
  readonly tls?: TlsOptions | undefined
  /** The server ends each connection so by itself. Default: it leaves that to handlers, peers and `stop()`. */
  readonly closing?: Closing | undefined
  /** How long `stop()` lets connections finish, and how long a connection may take to close once its handler is done. Default {@link DEFAULT_GRACE_MS}. */
  readonly graceMs?: number | undefined
  /** Aborting it is `stop()`. */
  readonly signal?: AbortSignal | undefined
}

export interface StopOptions {
  /** How long connections may take to finish. A later stop may only bring the deadline forward; 0 forces now. Default: the server's `graceMs`. */
  readonly graceMs?: number | undefined
  /** Keeps the port, and refuses on it, until `start()`, another `stop()` without it, or disposal. The last stop says. What cannot be held is in the report's `errors`. */
  readonly holdPort?: boolean | undefined
}

export const serverRules: Rules<ServerOptions> = {
  host: string,
  port: listenPort,
  path: listenPath,
  tls: passedOn,
  closing: closingRule,
  graceMs: duration,
  signal,
}

/** Checks what no single rule can. */
export function checkServerOptions(given: ServerOptions): void {
  checkOptions(given, serverRules)
  if (given.path !== undefined && (given.host !== undefined || given.port !== undefined)) {
    throw wrongValue('path', 'given without host and port', given.path)
  }
}

const STOP_RULES: Rules<StopOptions> = { graceMs: duration, holdPort: boolean }

export function checkStopOptions(options: StopOptions): void {
  checkOptions(options, STOP_RULES)
}
