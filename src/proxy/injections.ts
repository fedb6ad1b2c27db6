import { seedOf } from '../faults/random.ts'
import { FaultUnusedError } from '../model/errors.ts'
import { describeFault, type Fault } from '../model/fault.ts'
import type { Where } from '../model/where.ts'
import type { Track } from '../timeline/track.ts'
import { Injection, type InjectedFault } from './injection.ts'
import type { NetLink } from './link.ts'

/** All faults of one proxy: those that are on, and those that were. */
export class Injections {
  readonly #seed: number
  readonly #track: Track
  readonly #on = new Set<Injection>()
  readonly #ever: Injection[] = []
  /** How many equal ones there were of each. */
  readonly #equals = new Map<string, number>()

  constructor(seed: number, track: Track) {
    this.#seed = seed
    this.#track = track
  }

  inject(fault: Fault, where: Where, open: Iterable<NetLink>): InjectedFault {
    const identity = describeFault(fault)
    const equals = this.#equals.get(identity) ?? 0
    this.#equals.set(identity, equals + 1)
    const injection = new Injection(fault, where, seedOf(this.#seed, identity, equals), (one) => {
      this.#on.delete(one)
      this.#track.record('note', `healed ${one.toString()}`)
    })
    this.#on.add(injection)
    this.#ever.push(injection)
    this.#track.record('note', `injected ${injection.toString()}`)
    for (const link of open) injection.strike(link, 'open')
    return injection
  }

  heal(): void {
    for (const injection of this.#on) injection.heal()
  }

  opened(link: NetLink): void {
    for (const injection of this.#on) injection.strike(link, 'later')
  }

  over(link: NetLink): void {
    for (const injection of this.#on) injection.forget(link)
  }

  /** What is to be said of those that met nothing, by a proxy that had `links`. */
  unused(proxy: string, links: number): FaultUnusedError | undefined {
    const unused = this.#ever.filter(({ hits, where }) => hits === 0 && !where.optional)
    if (unused.length === 0) return undefined
    const lines = unused.map((one) => `  ${one.toString()}: ${why(one, links)}`)
    const hint = 'Did the client go through the proxy? `optional: true` allows a fault to meet nothing.'
    return new FaultUnusedError(`${proxy}: ${many(unused.length, 'fault')} met nothing\n${lines.join('\n')}\n${hint}`, unused.map(String))
  }
}

function why({ reached }: Injection, links: number): string {
  if (links === 0) return 'nobody connected'
  if (reached === 0) return `none of ${many(links, 'link')} was for it`
  return `it was on ${many(reached, 'link')}, and nothing came its way there`
}

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
