import type { ConnectionOptions } from 'node:tls'

import { endpointOf, type Endpoint } from '../model/endpoint.ts'

/** Where a client connects to, and by what. */
export interface Target {
  readonly to: Endpoint
  readonly tls?: ConnectionOptions
}

/** What the options say of it. */
export interface TargetArguments {
  readonly host: string
  readonly port: number
  readonly tls?: true
  readonly ca?: string
  readonly servername?: string
}

/** Schemes that mean TLS: a server of ours says `tls://`. */
const TLS_SCHEMES = /^(?:tls|https|wss|rediss|amqps|mqtts|ldaps|smtps|ftps):/i

/** What no single argument can say; nothing if they go together. `given`: which of `host` and `port` are no defaults. */
export function wrongTarget(address: string | undefined, given: readonly string[], options: TargetArguments): string | undefined {
  const [first] = given
  if (address !== undefined && first) return `--${first} does not go with an address`
  const needsTls = (['ca', 'servername'] as const).find((name) => options[name] !== undefined)
  if (needsTls && !isTls(address, options)) return `--${needsTls} goes with --tls`
  return undefined
}

/** Once nothing is {@link wrongTarget wrong}. */
export function targetOf(address: string | undefined, options: TargetArguments): Target {
  const { host, port, ca, servername } = options
  const to = endpointOf(address ?? { host, port })
  if (!isTls(address, options)) return { to }
  return { to, tls: { ...(ca !== undefined && { ca }), ...(servername !== undefined && { servername }) } }
}

function isTls(address: string | undefined, { tls }: TargetArguments): boolean {
  return tls ?? (address !== undefined && TLS_SCHEMES.test(address))
}
