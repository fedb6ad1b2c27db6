import { bounded, mayBegin } from '../lifetime/bounded.ts'
import type { WaitOptions } from '../model/client.ts'
import type { Direction } from '../model/fault.ts'
import type { Link } from '../model/link.ts'
import { oneOf } from '../model/options.ts'
import { pattern as patternRule, type Pattern } from '../model/where.ts'
import { got } from '../model/invalid.ts'
import type { Lane } from './lane.ts'
import type { NetLink } from './link.ts'
import { type Matcher, matcherFor, patternKey } from './matcher.ts'
import { Recent } from './recent.ts'

export interface SawOptions extends WaitOptions {
  /** Default: either. */
  readonly direction?: Direction | undefined
}

/** How many links that are over can still be asked for. */
const REMEMBERED = 64

interface Watcher {
  readonly direction: Direction | undefined
  readonly found: (link: Link) => void
  readonly refuse: (error: Error) => void
}

/** All that wait for equal patterns, oldest first: each occurrence is for one of them. */
class Search {
  readonly key: string
  readonly watchers: Set<Watcher> = new Set()
  readonly #pattern: Pattern
  /** How far each lane has been looked at, while somebody waits for it. A lane that is forgotten takes its own with it. */
  readonly #matchers = new WeakMap<Recent, Matcher>()

  constructor(key: string, pattern: Pattern) {
    this.key = key
    this.#pattern = pattern
  }

  /** Looks at what has arrived in a lane, before it is among the lane's recent bytes. */
  look(link: NetLink, { direction, recent }: Lane, chunk: Buffer): void {
    if (!recent || !this.#oldestFor(direction)) return
    const matcher = this.#matchers.get(recent) ?? this.#matcherFrom(recent)
    this.#give(link, direction, recent, { matcher, chunk, offset: recent.total })
  }

  /** Looks at what a lane has had, as far as it was not given out. */
  lookBack(link: NetLink, { direction, recent }: Lane): void {
    if (!recent || !this.#oldestFor(direction)) return
    const chunk = this.#notGiven(recent)
    this.#give(link, direction, recent, { matcher: matcherFor(this.#pattern), chunk, offset: recent.total - chunk.length })
  }

  /** Gives each occurrence to the oldest that waits for it; behind one the looking begins anew. */
  #give(link: NetLink, direction: Direction, recent: Recent, at: { matcher: Matcher; chunk: Buffer; offset: number }): void {
    let { matcher, chunk, offset } = at
    for (let watcher = this.#oldestFor(direction); watcher; watcher = this.#oldestFor(direction)) {
      const end = matcher.feed(chunk)
      if (end < 0) return void this.#matchers.set(recent, matcher)
      matcher = matcherFor(this.#pattern)
      chunk = chunk.subarray(end)
      offset += end
      recent.givenUpTo ??= new Map()
      recent.givenUpTo.set(this.key, offset)
      this.watchers.delete(watcher)
      watcher.found(link)
    }
    this.#matchers.delete(recent) // the rest was not looked at
  }

  #oldestFor(direction: Direction): Watcher | undefined {
    for (const watcher of this.watchers) if ((watcher.direction ?? direction) === direction) return watcher
    return undefined
  }

  #matcherFrom(recent: Recent): Matcher {
    const matcher = matcherFor(this.#pattern)
    matcher.feed(this.#notGiven(recent)) // its end may be the beginning of an occurrence
    return matcher
  }

  #notGiven(recent: Recent): Buffer {
    return recent.since(recent.givenUpTo?.get(this.key) ?? 0)
  }
}

/** Who waits for which bytes. It may ask a little late; what has answered one question does not answer another one. */
export class Sightings {
  readonly #links = new Set<NetLink>()
  readonly #over: NetLink[] = []
  readonly #searches = new Map<string, Search>()
  #closed: (() => Error) | undefined

  /** A link can be looked at from now on, until it is forgotten. */
  opened(link: NetLink): void {
    this.#links.add(link)
  }

  arrived(link: NetLink, direction: Direction, chunk: Buffer): void {
    const lane = link.lanes[direction]
    lane.recent ??= new Recent()
    for (const search of this.#searches.values()) {
      search.look(link, lane, chunk)
      this.#endIfDone(search)
    }
    lane.recent.add(chunk)
  }

  /** Resolves to the link in which the pattern was seen. */
  async saw(pattern: Pattern, { direction, ...wait }: SawOptions, where: string): Promise<Link> {
    patternRule('pattern', pattern)
    if (direction !== undefined) oneOf('upstream', 'downstream')('direction', direction)
    mayBegin(wait)
    const key = patternKey(pattern)
    const search = this.#searches.get(key) ?? new Search(key, pattern)
    this.#searches.set(key, search)
    let watcher: Watcher
    const work = new Promise<Link>((resolve, reject) => {
      watcher = { direction, found: resolve, refuse: reject }
      search.watchers.add(watcher)
      for (const link of this.#links) for (const lane of Object.values(link.lanes)) search.lookBack(link, lane)
      if (this.#closed && search.watchers.delete(watcher)) reject(this.#closed())
      this.#endIfDone(search)
    })
    const late = (): string => {
      const tls = [...this.#links].some(({ isEncrypted }) => isEncrypted) ? '; there is TLS, whose contents cannot be seen' : ''
      return `${got(pattern)} was not seen ${direction ?? 'in either direction'} of ${where} within ${wait.withinMs} ms${tls}`
    }
    return bounded(work, wait, late, () => {
      search.watchers.delete(watcher)
      this.#endIfDone(search)
    })
  }

  over(link: NetLink): void {
    this.#over.push(link)
    if (this.#over.length > REMEMBERED) this.#links.delete(this.#over.shift()!)
  }

  /** Nothing will be seen any more; the error is made for those who still ask. */
  close(error: () => Error): void {
    this.#closed = error
    for (const { watchers } of this.#searches.values()) for (const watcher of watchers) watcher.refuse(error())
    this.#searches.clear()
  }

  #endIfDone(search: Search): void {
    if (search.watchers.size === 0 && this.#searches.get(search.key) === search) this.#searches.delete(search.key)
  }
}
