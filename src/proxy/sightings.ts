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
  readonly direction?: Direction
}

/** How many links that are over can still be asked for. */
const REMEMBERED = 64

interface Watcher {
  readonly key: string
  readonly pattern: Pattern
  readonly direction: Direction | undefined
  readonly matchers: Map<Recent, Matcher>
  readonly found: (link: Link) => void
  readonly refuse: (error: Error) => void
}

/** Who waits for which bytes. It may ask a little late; what has answered one question does not answer a later one. */
export class Sightings {
  readonly #links = new Set<NetLink>()
  readonly #over: NetLink[] = []
  readonly #watchers = new Set<Watcher>()
  #closed: (() => Error) | undefined

  /** A link can be looked at from now on, until it is forgotten. */
  opened(link: NetLink): void {
    this.#links.add(link)
  }

  arrived(link: NetLink, direction: Direction, chunk: Buffer): void {
    const lane = link.lanes[direction]
    lane.recent ??= new Recent()
    for (const watcher of this.#watchers) this.#look(watcher, link, lane, chunk, lane.recent.total)
    lane.recent.add(chunk)
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

  over(link: NetLink): void {
    this.#over.push(link)
    if (this.#over.length > REMEMBERED) this.#links.delete(this.#over.shift()!)
  }

  /** Nothing will be seen any more; the error is made for those who still ask. */
  close(error: () => Error): void {
    this.#closed = error
    for (const watcher of this.#watchers) watcher.refuse(error())
    this.#watchers.clear()
  }

  #lookBack(watcher: Watcher): boolean {
    for (const link of this.#links) {
      for (const lane of Object.values(link.lanes)) {
        if (!lane.recent) continue
        const since = lane.recent.since(lane.recent.givenUpTo?.get(watcher.key) ?? 0)
        if (this.#look(watcher, link, lane, since, lane.recent.total - since.length)) return true
      }
    }
    return false
  }

  #look(watcher: Watcher, link: NetLink, { direction, recent }: Lane, chunk: Buffer, offset: number): boolean {
    if (!recent || (watcher.direction !== undefined && watcher.direction !== direction)) return false
    const matcher = watcher.matchers.get(recent) ?? matcherFor(watcher.pattern)
    watcher.matchers.set(recent, matcher)
    const end = matcher.feed(chunk)
    if (end < 0) return false
    recent.givenUpTo ??= new Map()
    recent.givenUpTo.set(watcher.key, offset + end)
    this.#watchers.delete(watcher)
    watcher.found(link)
    return true
  }
}
