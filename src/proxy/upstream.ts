import { URL } from 'node:url'

import { wrongType } from '../model/invalid.ts'
import { isUrl } from '../model/brand.ts'
import { endpointOf, bracketed, type Address, type Endpoint } from '../model/endpoint.ts'

/** Where the proxy's links lead: an address, or a function that is asked at each dial. */
export type UpstreamAddress = Address | (() => Address | Promise<Address>)

/** What was given as upstream, checked. */
export class Upstream {
  readonly #given: UpstreamAddress
  readonly #fixed: Endpoint | undefined

  /** Throws a `TypeError` or `RangeError` for what is no address. */
  constructor(given: UpstreamAddress) {
    this.#given = given
    if (typeof given !== 'function') this.#fixed = endpointOf(given, 'upstream')
  }

  /** `undefined`: only a function knows. */
  get fixed(): Endpoint | undefined {
    return this.#fixed
  }

  endpoint(): Endpoint | Promise<Endpoint> {
    return this.#fixed ?? this.#ask()
  }

  /** Whether it is a part of ours, which can say by itself that it listens; `undefined`: it is not. */
  get listening(): boolean | undefined {
    const { state } = this.#given as { readonly state?: unknown }
    return typeof state === 'string' ? state === 'listening' : undefined
  }

  /**
   * The upstream's own URL, with another host and port: a client is given it as it is. The name `localhost` stays where
   * `host` is a loopback address, for a certificate may be made out to it.
   */
  urlAt(host: string, port: number): string {
    const url = this.#url
    const own = url && URL.canParse(url) ? new URL(url) : undefined
    if (!own?.host) return `tcp://${this.#nameAt(this.#fixedHost, host)}:${port}`
    own.host = `${this.#nameAt(own.hostname, host)}:${port}`
    return own.href
  }

  #nameAt(name: string | undefined, host: string): string {
    return name !== undefined && isLocalName(name) && isLoopback(host) ? name : bracketed(host)
  }

  get #fixedHost(): string | undefined {
    return this.#fixed && 'host' in this.#fixed ? this.#fixed.host : undefined
  }

  get #url(): string | undefined {
    const given = this.#given
    if (isUrl(given)) return given.href
    if (typeof given === 'string') return /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : undefined
    const { url } = given as { readonly url?: unknown }
    return typeof url === 'string' ? url : undefined
  }

  /** The endpoint itself where the function knows it at once. */
  #ask(): Endpoint | Promise<Endpoint> {
    if (typeof this.#given !== 'function') throw wrongType('upstream', 'a function', this.#given)
    const given = this.#given()
    const check = (address: Address): Endpoint => endpointOf(address, 'what the upstream function gave')
    return isPromise(given) ? Promise.resolve(given).then(check) : check(given)
  }
}

function isPromise(value: Address | Promise<Address>): value is Promise<Address> {
  return typeof (value as { readonly then?: unknown } | undefined)?.then === 'function'
}

/** A name by which a client of this machine finds what listens on its loopback addresses. */
function isLocalName(host: string): boolean {
  return /^(?:[^/]+\.)?localhost\.?$/i.test(host)
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.') || isLocalName(host) || host === '0.0.0.0' || host === '::'
}
