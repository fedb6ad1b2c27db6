import type { TlsOptions } from 'node:tls'

import { wrongType } from '../../model/invalid.ts'
import { checkOptions, duration, nested, signal, type Rules } from '../../model/options.ts'

export interface SuperviseOptions {
  /** How long `stop()` lets connections finish. Milliseconds, default {@link DEFAULT_GRACE_MS}. */
  readonly graceMs?: number | undefined
  /** What becomes at quit of HTTP connections on which nothing is under way. */
  readonly idle?:
    | {
        /**
         * How long they stay open after quit, for clients that send a request in the moment in which the server would close:
         * such a request is answered, with `Connection: close`. HTTP/2 clients are told meanwhile to begin nothing new.
         * Connections that were never used do not linger. Milliseconds, default 0.
         */
        readonly lingerMs?: number | undefined
      }
    | undefined
  /** Aborting it is `stop()`. */
  readonly signal?: AbortSignal | undefined
}

export interface HttpOptions extends SuperviseOptions {
  /**
   * HTTPS: `true` with the certificate of `testCertificate()`, for loopback, whose authority is the server's `ca`; or with what
   * `https.createServer` takes. Default: plain HTTP.
   */
  readonly tls?: boolean | TlsOptions | undefined
}

export interface SupervisedStopOptions {
  /** How long connections may take to finish. A later stop may only bring the deadline forward; 0 forces now. Default: the server's `graceMs`. */
  readonly graceMs?: number | undefined
}

export const superviseRules: Rules<SuperviseOptions> = { graceMs: duration, idle: nested({ lingerMs: duration }), signal }
const STOP_RULES: Rules<SupervisedStopOptions> = { graceMs: duration }

export const httpRules: Rules<HttpOptions> = {
  ...superviseRules,
  tls: (name, value) => {
    if (typeof value !== 'boolean' && (typeof value !== 'object' || value === null || Array.isArray(value))) {
      throw wrongType(name, 'true, false or an object of options', value)
    }
  },
}

export function checkHttpOptions(options: HttpOptions): void {
  checkOptions(options, httpRules)
}

export function checkSuperviseOptions(options: SuperviseOptions): void {
  checkOptions(options, superviseRules)
}

export function checkSupervisedStopOptions(options: SupervisedStopOptions): void {
  checkOptions(options, STOP_RULES)
}
