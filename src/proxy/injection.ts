import { seedOf, Seeded } from '../faults/random.ts'
import { describeFault, type Direction, type Fault } from '../model/fault.ts'
import { describeWhere, type After, type Where } from '../model/where.ts'
import type { Lane } from './lane.ts'
import type { NetLink } from './link.ts'
import { type Matcher, matcherFor } from './matcher.ts'
import type { Slot, Strike } from './slot.ts'

/** A fault that is on. Whoever injected it heals it; the proxy's stop does it at last. */
export interface InjectedFault extends Disposable {
  /** On how many links it has met something so far. */
  readonly hits: number
  /**
   * Takes it off, in this turn: what it holds is released. A link on which it has swallowed something is reset,
   * because a stream with a hole must not go on; what it has ended stays ended. A second call does nothing.
   */
  heal(): void
}

/** See {@link InjectedFault}: one fault, and the links that it is on. */
export class Injection implements InjectedFault {
  readonly fault: Fault
  readonly where: Where
  hits = 0
  /** How many links it is on, or was. */
  reached = 0
  readonly #seed: number
  readonly #strikes = new Map<NetLink, LinkStrike>()
  readonly #healed: (injection: Injection) => void
  #timesLeft: number
  #off = false

  /** @param seed  Made of the proxy's seed and of what the fault is; so another fault does not move this one. */
  constructor(fault: Fault, where: Where, seed: number, healed: (injection: Injection) => void) {
    this.fault = fault
    this.where = where
    this.#seed = seed
    this.#healed = healed
    this.#timesLeft = where.times ?? Infinity
  }

  /** Takes its place on a link, if that is one of its own. */
  strike(link: NetLink, is: 'open' | 'later'): void {
    const { links = is, probability } = this.where
    if (typeof links === 'function' ? !links(link) : links !== is) return
    if (probability !== undefined && new Seeded(seedOf(this.#seed, 'toss')).at(link.id) >= probability) return
    this.reached++
    const strike = new LinkStrike(this, link)
    this.#strikes.set(link, strike)
    strike.begin()
  }

  heal(): void {
    if (this.#off) return
    this.#off = true
    this.#healed(this)
    for (const strike of this.#strikes.values()) strike.heal()
    this.#strikes.clear()
  }

  [Symbol.dispose](): void {
    this.heal()
  }

  /** The link is over. */
  forget(link: NetLink): void {
    this.#strikes.delete(link)
  }

  /** `true` once for each of its `times`. */
  takeOne(): boolean {
    if (this.#timesLeft === 0) return false
    this.#timesLeft--
    return true
  }

  seedFor(link: NetLink, direction: Direction): number {
    return seedOf(this.#seed, link.id, direction)
  }

  toString(): string {
    return `${describeFault(this.fault)} ${describeWhere(this.where)}`
  }
}

/** An injection on one link. */
class LinkStrike implements Strike {
  readonly fault: Fault
  readonly after: After
  matched: boolean
  readonly #injection: Injection
  readonly #link: NetLink
  readonly #slots = new Map<Slot, Lane>()
  #awake: boolean | undefined
  #met = false

  constructor(injection: Injection, link: NetLink) {
    const { fault, where } = injection
    this.fault = fault
    this.after = where.after ?? {}
    this.matched = this.after.match === undefined
    this.#injection = injection
    this.#link = link
  }

  begin(): void {
    const { direction = 'both' } = this.#injection.where
    for (const lane of Object.values(this.#link.lanes)) {
      const acts = direction === 'both' || direction === lane.direction
      if (acts || !this.matched) this.#slots.set(lane.insert(this, !acts), lane)
    }
    this.wakeWhoIsDue()
  }

  heal(): void {
    let hole = false
    for (const [slot, lane] of this.#slots) hole = lane.remove(slot) || hole
    if (!hole) return
    this.#link.track.record('note', `${this.#injection.toString()} is healed, and has left a hole`)
    this.#link.reset()
  }

  matcher(): Matcher {
    return matcherFor(this.after.match!)
  }

  seedFor(direction: Direction): number {
    return this.#injection.seedFor(this.#link, direction)
  }

  wake(): boolean {
    this.#awake ??= this.#injection.takeOne()
    return this.#awake
  }

  met(): void {
    if (this.#met) return
    this.#met = true
    this.#injection.hits++
    this.#link.faults.push(this.#injection.toString())
    this.#link.track.record('note', `met ${this.#injection.toString()}`)
  }

  wakeWhoIsDue(): void {
    for (const slot of this.#slots.keys()) slot.wakeIfDue()
  }
}
