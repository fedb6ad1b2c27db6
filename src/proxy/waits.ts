import type { Where } from '../model/where.ts'
import { got } from '../model/invalid.ts'
import type { Wait } from './link-strike.ts'

/** What an injected fault has seen of all links: why it never triggered, if it did not. */
export class Waits {
  #reached = 0
  #spared = 0
  #threw: string | undefined
  #bytes = 0
  #lookedAt = 0
  #ms: number | undefined
  #active = 0
  #matched = 0
  #encrypted = 0

  /** What it has seen of a link that was one of its own. */
  add({ bytes, lookedAt, matched, ms, active, encrypted }: Wait): void {
    this.#reached++
    this.#bytes = Math.max(this.#bytes, bytes)
    this.#lookedAt += lookedAt
    if (ms !== undefined) this.#ms = Math.max(this.#ms ?? 0, ms)
    this.#active += Number(active)
    this.#matched += Number(matched)
    this.#encrypted += Number(encrypted)
  }

  /** Chance spared a link. */
  spared(): void {
    this.#spared++
  }

  /** Its `links` function threw. */
  threw(message: string): void {
    this.#threw ??= message
  }

  /** Why it never triggered, at a proxy that had so many links. */
  why(where: Where, links: number): string {
    if (links === 0) return 'nothing connected to the proxy'
    if (this.#reached === 0) return this.#whyNoLink(where, links)
    const on = `on ${many(this.#reached, 'link')}`
    if (this.#active > 0) return `it was active on ${many(this.#active, 'link')}, and nothing for it came by there`
    const missing = [this.#missingBytes(where, on), this.#missingMatch(where, on)].filter((one) => one !== undefined)
    if (missing.length > 0) return missing.join('; ')
    const { ms } = where.after ?? {}
    if (ms !== undefined && this.#ms !== undefined) return `${Math.floor(this.#ms)} of the ${number(ms)} ms had passed ${on}`
    return `it waited ${on}, whose upstream was never connected`
  }

  #whyNoLink({ links: which }: Where, links: number): string {
    if (this.#threw !== undefined) return `its \`links\` function threw: ${this.#threw}`
    if (this.#spared > 0) return `chance spared ${many(this.#spared, 'link')}`
    if (which === 'open') return `none of ${many(links, 'link')} was open when it was injected`
    if (which === 'later') return `none of ${many(links, 'link')} came after it was injected`
    return `none of ${many(links, 'link')} was for it`
  }

  #missingBytes({ after: { bytes = 0 } = {} }: Where, on: string): string | undefined {
    if (this.#bytes >= bytes) return undefined
    return `${number(this.#bytes)} of the ${number(bytes)} bytes came by ${this.#reached > 1 ? 'at most ' : ''}${on}`
  }

  #missingMatch({ after: { match } = {} }: Where, on: string): string | undefined {
    if (match === undefined || this.#matched > 0) return undefined
    const seen = `${got(match)} was not in the ${number(this.#lookedAt)} B that came by ${on}`
    if (this.#encrypted === 0) return seen
    const which = this.#encrypted === this.#reached ? '' : ` (${number(this.#encrypted)} of them)`
    return `${seen}; the traffic is TLS${which}, so its contents cannot be matched`
  }
}

function many(count: number, what: string): string {
  return `${number(count)} ${what}${count === 1 ? '' : 's'}`
}

/** `1,000`, wherever it is run. */
function number(value: number): string {
  return value.toLocaleString('en-US')
}
