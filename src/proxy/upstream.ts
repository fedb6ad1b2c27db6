import { wrongType } from '../model/invalid.ts'
import { endpointOf, bracketed, isUrl, type Address, type Endpoint } from '../model/endpoint.ts'

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

  /** The upstream's own URL, with another host and port: a client is given it as it is. */
  urlAt(host: string, port: number): string {
    const url = this.#url
    const own = url && URL.canParse(url) ? new URL(url) : undefined
    if (!own?.host) return `tcp://${bracketed(host)}:${port}`
    own.host = `${bracketed(host)}:${port}`
    return own.href
  }

  get #url(): string | undefined {
    const given = this.#given
    if (isUrl(given)) return given.href
    if (typeof given === 'string') return /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : undefined
    const { url } = given as { readonly url?: unknown }
    return typeof url === 'string' ? url : undefined
  }

  async #ask(): Promise<Endpoint> {
    if (typeof this.#given !== 'function') throw wrongType('upstream', 'a function', this.#given)
    return endpointOf(await this.#given(), 'what the upstream function gave')
  }
}
