import { checkProxyOptions, proxyRules, type ProxyOptions } from '../proxy/proxy-options.ts'
import { checkServerOptions, serverRules, type ServerOptions } from '../server/server-options.ts'
import {
  checkHttpOptions,
  checkSuperviseOptions,
  httpRules,
  superviseRules,
  type HttpOptions,
  type SuperviseOptions,
} from '../server/supervise/supervise-options.ts'
import { boolean, checkOptions, duration, oneOf, type Rules } from '../model/options.ts'
import type { ForeignRules } from './foreign.ts'

/** Default of a rig's `graceMs`: how long all its parts together may take to close. Milliseconds. */
export const DEFAULT_RIG_GRACE_MS = 1000

/** What becomes of foreign clients, those that the rig has not opened itself, whose connection is open when the test ends. */
export interface ForeignOptions {
  /** Permits that such a connection has to be cut: its client does not answer our FIN. Default `false`: that fails the test. */
  readonly allowForced?: boolean | undefined
  /**
   * Of such a connection that closes once our FIN asks it to, as one of `node:net` does by itself: `'fail'` fails the test,
   * `'report'` only notes it in the story of a test that fails otherwise. The pool of `fetch` keeps such connections. Default `'report'`.
   */
  readonly forgotten?: 'fail' | 'report' | undefined
}

export interface RigOptions extends ForeignOptions {
  /** How long all parts together may take to close. Default {@link DEFAULT_RIG_GRACE_MS}. */
  readonly graceMs?: number | undefined
}

/** With {@link ForeignOptions} for this server alone; the rig's are their default. */
export interface RigServerOptions extends ServerOptions, ForeignOptions {}

/** With {@link ForeignOptions} for this server alone; the rig's are their default. */
export interface RigSuperviseOptions extends SuperviseOptions, ForeignOptions {}

/** With {@link ForeignOptions} for this server alone; the rig's are their default. */
export interface RigHttpOptions extends HttpOptions, ForeignOptions {}

/** With {@link ForeignOptions} for this proxy alone; the rig's are their default. */
export interface RigProxyOptions extends ProxyOptions, ForeignOptions {}

const foreignRules: Rules<ForeignOptions> = { allowForced: boolean, forgotten: oneOf('fail', 'report') }

const RULES: Rules<RigOptions> = { graceMs: duration, ...foreignRules }

export function checkRigOptions(options: RigOptions): void {
  checkOptions(options, RULES)
}

/** Options of a part of the rig's, taken apart. */
export interface RigPart<Options> {
  readonly rest: Options
  readonly rules: ForeignRules
}

/** Takes a part's options from those of the rig, and checks both, before anything is opened. */
export class PartOptions {
  readonly #defaults: ForeignRules

  constructor({ allowForced = false, forgotten = 'report' }: RigOptions) {
    this.#defaults = { allowForced, forgotten }
  }

  server(options: RigServerOptions): RigPart<ServerOptions> {
    return this.#apart(options, serverRules, checkServerOptions)
  }

  supervise(options: RigSuperviseOptions): RigPart<SuperviseOptions> {
    return this.#apart(options, superviseRules, checkSuperviseOptions)
  }

  http(options: RigHttpOptions): RigPart<HttpOptions> {
    return this.#apart(options, httpRules, checkHttpOptions)
  }

  proxy(options: RigProxyOptions): RigPart<ProxyOptions> {
    return this.#apart(options, proxyRules, checkProxyOptions)
  }

  #apart<Options extends object>(
    options: Options & ForeignOptions,
    rules: Rules<Options>,
    check: (rest: Options) => void,
  ): RigPart<Options> {
    checkOptions(options, { ...rules, ...foreignRules } as Rules<Options & ForeignOptions>)
    const { allowForced = this.#defaults.allowForced, forgotten = this.#defaults.forgotten, ...rest } = options
    check(rest as unknown as Options)
    return { rest: rest as unknown as Options, rules: { allowForced, forgotten } }
  }
}
