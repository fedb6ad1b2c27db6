import { formatEndpoint } from '../model/endpoint.ts'
import type { NetLink } from '../proxy/link.ts'
import type { NetProxy } from '../proxy/net-proxy.ts'
import type { Timeline } from '../timeline/timeline.ts'
import type { Track } from '../timeline/track.ts'
import type { Diary } from './diary.ts'
import { Lookout } from './lookout.ts'
import type { BothWays, Totals } from './pulse.ts'

const SIDES = ['client', 'upstream'] as const

/** A link, and what has been told of it. */
interface Told {
  readonly link: NetLink
  readonly ended: Set<(typeof SIDES)[number]>
  faults: number
}

/** Tells the life of each link of a proxy: what is new of it is told, whenever something happens to it. */
export class LinkLog {
  /** For the proxy, which is to write on it. */
  readonly timeline: Timeline = new Lookout('link', (track) => this.#look(track))
  readonly #diary: Diary
  readonly #live = new Map<Track, Told>()
  #proxy: NetProxy | undefined
  #opened = 0
  #passed: BothWays = { upstream: 0, downstream: 0 }

  constructor(diary: Diary) {
    this.#diary = diary
  }

  follow(proxy: NetProxy): void {
    this.#proxy = proxy
  }

  totals(): Totals {
    const live = Array.from(this.#live.values(), ({ link }) => link.bytes)
    return { opened: this.#opened, open: live.length, passed: live.reduce(sum, this.#passed) }
  }

  /** The proxy has stopped: what it has given up is over, too. */
  stopped(): void {
    for (const track of this.#live.keys()) this.#look(track)
  }

  #look(track: Track): void {
    const told = this.#live.get(track) ?? this.#new(track)
    if (!told) return
    const { link, ended } = told
    for (; told.faults < link.faults.length; told.faults++) {
      const fault = link.faults[told.faults]!
      this.#diary.note('hit', link.id, { fault }, this.#diary.paint('yellow', `hit by ${fault}`))
    }
    for (const side of SIDES) {
      const { ending } = link[side]
      if (!ending || ended.has(side)) continue
      ended.add(side)
      this.#diary.note(`${side}-ended`, link.id, { ending }, `${side.padEnd(8)} ${this.#diary.ending(ending)}`)
    }
    if (!this.#proxy!.live.all.has(link)) this.#over(track, link)
  }

  #new(track: Track): Told | undefined {
    for (const link of this.#proxy!.live.all) {
      if (link.track !== track) continue
      const told = { link, ended: new Set<never>(), faults: 0 }
      this.#live.set(track, told)
      this.#opened++
      const client = link.client.endpoint!
      this.#diary.note('connected', link.id, { client }, `connected from ${formatEndpoint(client)}`)
      return told
    }
    return undefined
  }

  #over(track: Track, link: NetLink): void {
    const { bytes, faults, forced } = link
    this.#live.delete(track)
    this.#passed = sum(this.#passed, bytes)
    const words = `over: ${bytes.upstream} B upstream, ${bytes.downstream} B downstream`
    this.#diary.note('over', link.id, { bytes, faults, forced }, forced ? `${words}; cut` : words)
  }
}

function sum(a: BothWays, b: BothWays): BothWays {
  return { upstream: a.upstream + b.upstream, downstream: a.downstream + b.downstream }
}
