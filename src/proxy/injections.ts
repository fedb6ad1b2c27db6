import { seedOf } from '../faults/random.ts'
import { FaultUnusedError } from '../model/errors.ts'
import { describeFault, type Fault } from '../model/fault.ts'
import type { Where } from '../model/where.ts'
import type { Track } from '../timeline/track.ts'
import { Injection, type InjectedFault, type InjectionOwner } from './injection.ts'
import type { NetLink } from './link.ts'

/** All faults of one proxy: those that are on, and those that were. */
export class Injections implements InjectionOwner {
  readonly #seed: number
  readonly #track: Track
  readonly #failed: (error: Error) => void
  readonly #on = new Set<Injection>()
  readonly #ever: Injection[] = []
  /** How many equal ones there were of each. */
  readonly #equals = new Map<string, number>()

  /** @param failed  Is told what a `links` function throws. */
  constructor(seed: number, track: Track, failed: (error: Error) => void) {
    this.#seed = seed
    this.#track = track
    this.#failed = failed
  }

  inject(fault: Fault, where: Where, open: Iterable<NetLink>): InjectedFault {
    const identity = describeFault(fault)
    const equals = this.#equals.get(identity) ?? 0
    this.#equals.set(identity, equals + 1)
    const injection = new Injection(fault, where, seedOf(this.#seed, identity, equals), this)
    this.#on.add(injection)
    this.#ever.push(injection)
    this.#track.record('note', `injected ${injection.toString()}`)
    for (const link of open) injection.strike(link, 'open')
    return injection
  }

  heal(): void {
    for (const injection of this.#on) injection.heal()
  }

  /** A link has been accepted. */
  accepted(link: NetLink): void {
    for (const injection of this.#on) injection.strike(link, 'later')
  }

  /** It is known where a link leads. */
  located(link: NetLink): void {
    for (const injection of this.#on) injection.located(link)
  }

  /** The upstream of a link is connected. */
  opened(link: NetLink): void {
    for (const injection of this.#on) injection.opened(link)
  }

  /** The upstream of a link will never be there. */
  unreachable(link: NetLink): void {
    for (const injection of this.#on) injection.unreachable(link)
  }

  /** A link is over. */
  over(link: NetLink): void {
    for (const injection of this.#on) injection.forget(link)
  }

  healed(injection: Injection): void {
    this.#on.delete(injection)
    this.#track.record('note', `healed ${injection.toString()}`)
  }

  failed(error: Error): void {
    this.#failed(error)
  }

  /** What is to be said of those that never triggered, by a proxy that had `links`; its stack is that of the first one's `inject`. */
  unused(proxy: string, links: number): FaultUnusedError | undefined {
    const unused = this.#ever.filter(({ hits, where }) => hits === 0 && !where.optional)
    if (unused.length === 0) return undefined
    const lines = unused.map((one) => {
      return `  ${one.toString()} was injected ${one.site.toString()} and never triggered: ${one.waits.why(one.where, links)}`
    })
    const hint = 'Does the client go through the proxy? `optional: true` allows a fault not to trigger.'
    const message = `${proxy}: ${unused.length} ${unused.length === 1 ? 'fault' : 'faults'} never triggered\n${lines.join('\n')}\n${hint}`
    return unused[0]!.site.blame(new FaultUnusedError(message, unused.map(String)))
  }
}
