import { bounded, mayBegin } from '../lifetime/bounded.ts'
import type { WaitOptions } from '../model/client.ts'
import type { Direction } from '../model/fault.ts'
import type { Link } from '../model/link.ts'
import { oneOf } from '../model/options.ts'
import { pattern as patternRule, type Pattern } from '../model/where.ts'
import { got } from '../model/invalid.ts'
import type { NetLink } from './link.ts'
import { type Matcher, matcherFor, patternKey } from './matcher.ts'
import { Recent } from './recent.ts'

export interface SawOptions extends WaitOptions {
  /** Default: either. */
  readonly direction?: Direction
}

/** How many links that are over can still be asked for. */
const REMEMBERED = 64

/** What is kept of one lane: its last bytes, and up to where each pattern has been given out. */
interface Seen {
  readonly recent: Recent
  readonly givenUpTo: Map<string, number>
}

interface Watcher {
  readonly key: string
  readonly pattern: Pattern
  readonly direction: Direction | undefined
  readonly matchers: Map<Seen, Matcher>
  readonly found: (link: Link) => void
  readonly refuse: (error: Error) => void
}

/** Who waits for which bytes. It may ask a little late; what has answered one question does not answer a later one. */
export class Sightings {
  readonly #links = new Map<NetLink, Partial<Record<Direction, Seen>>>()
  readonly #watchers = new Set<Watcher>()
  #closed: (() => Error) | undefined

  arrived(link: NetLink, direction: Direction, chunk: Buffer): void {
    const seen = this.#seenOf(link, direction)
    for (const watcher of this.#watchers) this.#look(watcher, link, direction, seen, chunk, seen.recent.total)
    seen.recent.add(chunk)
  }

  /** Resolves to the link in which the pattern was seen. */
  async saw(pattern: Pattern, { direction, ...wait }: SawOptions, where: string): Promise<Link> {
    patternRule('pattern', pattern)
    if (direction !== undefined) oneOf('upstream', 'downstream')('direction', direction)
    mayBegin(wait)
    let watcher: Watcher
    const work = new Promise<Link>((resolve, reject) => {
      watcher = { key: patternKey(pattern), pattern, direction, matchers: new Map(), found: resolve, refuse: reject }
      this.#watchers.add(watcher)
      if (!this.#lookBack(watcher) && this.#closed) reject(this.#closed())
    })
    const late = (): string => `${got(pattern)} was not seen ${direction ?? 'in either direction'} of ${where} within ${wait.withinMs} ms`
    return bounded(work, wait, late, () => this.#watchers.delete(watcher))
  }

  over(): void {
    for (const link of this.#links.keys()) {
      if (this.#links.size <= REMEMBERED) return
      if (link.client.gone && link.upstream.gone) this.#links.delete(link)
    }
  }

  /** Nothing will be seen any more; the error is made for those who still ask. */
  close(error: () => Error): void {
    this.#closed = error
    for (const watcher of this.#watchers) watcher.refuse(error())
    this.#watchers.clear()
  }

  #seenOf(link: NetLink, direction: Direction): Seen {
    const lanes = this.#links.get(link) ?? {}
    if (lanes[direction]) return lanes[direction]
    this.#links.set(link, lanes)
    const seen = { recent: new Recent(), givenUpTo: new Map() }
    lanes[direction] = seen
    return seen
  }

  #lookBack(watcher: Watcher): boolean {
    for (const [link, lanes] of this.#links) {
      for (const direction of ['upstream', 'downstream'] as const) {
        const seen = lanes[direction]
        if (!seen) continue
        const since = seen.recent.since(seen.givenUpTo.get(watcher.key) ?? 0)
        if (this.#look(watcher, link, direction, seen, since, seen.recent.total - since.length)) return true
      }
    }
    return false
  }

  #look(watcher: Watcher, link: NetLink, direction: Direction, seen: Seen, chunk: Buffer, offset: number): boolean {
    if (watcher.direction !== undefined && watcher.direction !== direction) return false
    const matcher = watcher.matchers.get(seen) ?? matcherFor(watcher.pattern)
    watcher.matchers.set(seen, matcher)
    const end = matcher.feed(chunk)
    if (end < 0) return false
    seen.givenUpTo.set(watcher.key, offset + end)
    this.#watchers.delete(watcher)
    watcher.found(link)
    return true
  }
}
