import type { ConnectionOptions } from 'node:tls'
import { URL } from 'node:url'

import { endpointOf, bracketed } from '../../../model/endpoint.ts'
import { wrongType, wrongValue } from '../../../model/invalid.ts'
import { checkOptions, duration, integer, passedOn, type Rule, type Rules } from '../../../model/options.ts'

/** Default of `clients`. */
export const DEFAULT_CHECK_CLIENTS = 20

/** Default of `withinMs`, to which `acceptsForMs` is added: how long `stop()` may take before the check goes on without it. Milliseconds, well below a test's own timeout. */
export const DEFAULT_CHECK_WITHIN_MS = 2000

/** A server to check: where it listens, and the stop that is checked. A `SupervisedServer` is one. */
export type HttpServerToCheck = ({ readonly url: string | URL } | { readonly host?: string; readonly port: number }) & {
  /** Called once. It has stopped when what this returns has settled. */
  stop(): unknown
}

export interface CheckOptions {
  /** How many keep-alive clients ask without a pause. Default {@link DEFAULT_CHECK_CLIENTS}. */
  readonly clients?: number | undefined
  /** What they ask for: something slow shows more. Default: the path of the url. */
  readonly path?: string | undefined
  /** How long `stop()` may take before the check goes on without it. Milliseconds, default {@link DEFAULT_CHECK_WITHIN_MS} and `acceptsForMs`. */
  readonly withinMs?: number | undefined
  /**
   * How long after the call of `stop()` the server may accept connections and answer as before: the delay that Kubernetes
   * asks for, until no proxy sends it anything. Milliseconds, default 0.
   */
  readonly acceptsForMs?: number | undefined
  /** For https: `{ ca }`, or what else `tls.connect` takes. */
  readonly tls?: ConnectionOptions | undefined
}

const path: Rule = (name, value) => {
  if (typeof value !== 'string') throw wrongType(name, 'a string', value)
  if (!value.startsWith('/')) throw wrongValue(name, 'a path that begins with /', value)
}

const RULES: Rules<CheckOptions> = { clients: integer(1), path, withinMs: duration, acceptsForMs: duration, tls: passedOn }

export function checkCheckOptions(options: CheckOptions): void {
  checkOptions(options, RULES)
}

/** The url that the clients ask. Throws if what `make` gave is no server to check. */
export function urlToAsk(server: HttpServerToCheck, asked: string | undefined): URL {
  if (typeof server !== 'object' || server === null || typeof server.stop !== 'function') {
    throw wrongType('what make() gives', '{ url, stop() } or { host, port, stop() }', server)
  }
  const url = 'url' in server ? String(server.url) : fromEndpoint(server)
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw wrongValue('the url that make() gives', 'one of http: or https:', url)
  return new URL(asked ?? url, url)
}

function fromEndpoint({ host = '127.0.0.1', port }: { readonly host?: string; readonly port: number }): string {
  const endpoint = endpointOf({ host, port }, 'what make() gives') as { host: string; port: number }
  return `http://${bracketed(endpoint.host)}:${endpoint.port}`
}
