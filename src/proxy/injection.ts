import { seedOf, Seeded } from '../faults/random.ts'
import { asError } from '../lifetime/throw-all.ts'
import { describeFault, type Direction, type Fault } from '../model/fault.ts'
import { describeWhere, type Where } from '../model/where.ts'
import { type CallSite, callSite } from '../timeline/call-site.ts'
import { LinkStrike, type StrikeOwner } from './link-strike.ts'
import type { NetLink } from './link.ts'
import { Waits } from './waits.ts'

/** A fault that is on. Whoever injected it heals it; the proxy's stop does it at last. */
export interface InjectedFault extends Disposable {
  /** On how many links it has triggered so far. */
  readonly hits: number
  /**
   * Takes it off, in this turn: what it holds is released. A link on which it has swallowed something is reset,
   * because a stream with a gap must not go on; what it has ended stays ended. A second call does nothing.
   */
  heal(): void
  /** The fault, and where it triggers, as messages name it. */
  toString(): string
}

/** What an injection tells its proxy. */
export interface InjectionOwner<Injected> {
  healed(injection: Injected): void
  failed(error: Error): void
}

/** See {@link InjectedFault}: one fault, and the links that it is on. */
export class Injection implements InjectedFault, StrikeOwner {
  readonly fault: Fault
  readonly where: Where
  /** The line that injected it. */
  readonly site: CallSite = callSite()
  /** What came by while it waited. */
  readonly waits: Waits = new Waits()
  hits = 0
  readonly #seed: number
  readonly #strikes = new Map<NetLink, LinkStrike>()
  readonly #owner: InjectionOwner<Injection>
  /** Links that were open when it was injected; those that have had one of its `times`; and those that it has hit. */
  readonly #openThen = new WeakSet<NetLink>()
  readonly #taken = new WeakSet<NetLink>()
  readonly #hit = new WeakSet<NetLink>()
  /** What its `links` function has answered. */
  readonly #answers = new WeakMap<NetLink, boolean>()
  #timesLeft: number
  #suspended = false
  #off = false

  /** @param seed  Made of the proxy's seed and of what the fault is; so another fault does not move this one. */
  constructor(fault: Fault, where: Where, seed: number, owner: InjectionOwner<Injection>) {
    this.fault = fault
    this.where = where
    this.#seed = seed
    this.#owner = owner
    this.#timesLeft = where.times ?? Infinity
  }

  /** Takes its place on a link, if that is one of its own. */
  strike(link: NetLink, is: 'open' | 'later'): void {
    if (is === 'open') this.#openThen.add(link)
    if (this.#off || this.#suspended || !link.canEnd('reset')) return
    const { links = is, probability } = this.where
    if (typeof links === 'string' && links !== is) return
    if (probability !== undefined && new Seeded(seedOf(this.#seed, 'toss')).at(link.id) >= probability) return this.waits.spared()
    const chosen = typeof links === 'function' ? this.#asks(links, link) : true
    if (chosen === false) return
    const strike = new LinkStrike(this, link, chosen)
    this.#strikes.set(link, strike)
    strike.begin()
  }

  /** It is known now where the link leads. */
  located(link: NetLink): void {
    const strike = this.#strikes.get(link)
    const { links } = this.where
    if (!strike || strike.isChosen !== undefined || typeof links !== 'function') return
    const chosen = this.#asks(links, link) ?? false
    if (!chosen) this.#strikes.delete(link)
    strike.choose(chosen)
  }

  /** The link's upstream is connected. */
  opened(link: NetLink): void {
    this.#strikes.get(link)?.opened()
  }

  /** The link's upstream will never be there. */
  unreachable(link: NetLink): void {
    this.#strikes.get(link)?.neverOpens()
  }

  heal(): void {
    if (this.#off) return
    this.#off = true
    this.#owner.healed(this)
    this.suspend()
  }

  /** Takes it off its links, as a healing does, until {@link resume}. */
  suspend(): void {
    this.#suspended = true
    for (const strike of this.#strikes.values()) {
      this.waits.add(strike.wait())
      strike.heal()
    }
    this.#strikes.clear()
  }

  /** Takes its place again, on all links that are `open` now. */
  resume(open: Iterable<NetLink>): void {
    this.#suspended = false
    for (const link of open) this.strike(link, this.#openThen.has(link) ? 'open' : 'later')
  }

  /** Why it never triggered, at a proxy that had so many links. */
  whyUnused(links: number): string {
    return this.waits.why(this.where, links)
  }

  [Symbol.dispose](): void {
    this.heal()
  }

  /** The link is over. */
  forget(link: NetLink): void {
    const strike = this.#strikes.get(link)
    if (!strike) return
    this.waits.add(strike.wait())
    strike.forget()
    this.#strikes.delete(link)
  }

  takeOne(link: NetLink): boolean {
    if (this.#taken.has(link)) return true
    if (this.#timesLeft === 0) return false
    this.#taken.add(link)
    this.#timesLeft--
    return true
  }

  seedFor(link: NetLink, direction: Direction): number {
    return seedOf(this.#seed, link.id, direction)
  }

  triggered(link: NetLink): void {
    if (this.#hit.has(link)) return
    this.#hit.add(link)
    this.hits++
    link.faults.push(this.toString())
    link.track.record('note', `triggered ${this.toString()}`)
  }

  couldNotBegin(link: NetLink, thrown: unknown): Error {
    return new Error(`${this.toString()} could not begin on link #${link.id}, its function threw: ${asError(thrown).message}`, {
      cause: thrown,
    })
  }

  leftGap(link: NetLink): void {
    link.track.record('note', `${this.toString()} is healed, and has left a gap`)
    link.reset()
  }

  toString(): string {
    return `${describeFault(this.fault)} ${describeWhere(this.where)}`
  }

  /** `undefined`: it asked for what is not known yet, so that it is to be asked again. */
  #asks(links: (link: NetLink) => boolean, link: NetLink): boolean | undefined {
    const answered = this.#answers.get(link)
    if (answered !== undefined) return answered
    const askedTooEarly = link.upstream.askedTooEarly
    const isTooEarly = (): boolean => link.upstream.askedTooEarly !== askedTooEarly
    try {
      const answer = links(link)
      if (isTooEarly()) return undefined
      this.#answers.set(link, answer)
      return answer
    } catch (thrown) {
      if (isTooEarly()) return undefined
      const message = `the \`links\` function of ${this.toString()} threw for link #${link.id}, which goes without the fault: ${asError(thrown).message}`
      this.#owner.failed(this.site.blame(new Error(message, { cause: thrown })))
      this.waits.threw(asError(thrown).message)
      return false
    }
  }
}
