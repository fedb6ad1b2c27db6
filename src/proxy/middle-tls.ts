import type { ConnectionOptions, TlsOptions } from 'node:tls'

import { wrongType } from '../model/invalid.ts'
import { passedOn } from '../model/options.ts'
import { checkedTls } from '../wire/secure.ts'

/**
 * How a proxy ends the TLS of its clients, with what `tls.createServer` takes (`cert`, `key`, `ALPNProtocols` …), and opens
 * TLS of its own to the upstream.
 */
export interface MiddleTlsOptions extends TlsOptions {
  /**
   * With what `tls.connect` takes beside the address (`ca`, `servername` …); `false`: the upstream speaks no TLS. Default: TLS,
   * with a certificate that the system trusts. What a client has agreed on by ALPN is asked for there, too.
   */
  readonly upstream?: ConnectionOptions | false | undefined
}

/** Throws what Node throws for wrong TLS options of the upstream's side, before anything is opened. */
export function checkMiddleTls({ upstream }: MiddleTlsOptions, name: string): void {
  if (upstream === undefined || upstream === false) return
  if (typeof upstream !== 'object') throw wrongType(`${name}.upstream`, 'an object with what tls.connect takes, or false', upstream)
  passedOn(`${name}.upstream`, upstream)
  checkedTls({ host: 'localhost', port: 1 }, upstream)
}

/** TLS on both sides of a proxy. */
export class MiddleTls {
  /** Of the clients. */
  readonly downstream: TlsOptions
  readonly #upstream: ConnectionOptions | false

  constructor({ upstream = {}, ...downstream }: MiddleTlsOptions) {
    this.downstream = downstream
    this.#upstream = upstream
  }

  /** With what to dial for a client that speaks `protocol`. */
  upstreamFor(protocol: string | undefined): ConnectionOptions | undefined {
    if (!this.#upstream) return undefined
    return protocol === undefined ? this.#upstream : { ALPNProtocols: [protocol], ...this.#upstream }
  }
}
