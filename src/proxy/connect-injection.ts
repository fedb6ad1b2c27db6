import { seedOf, Seeded } from '../faults/random.ts'
import { clearTimer, setTimer } from '../lifetime/timers.ts'
import { asError } from '../lifetime/throw-all.ts'
import { NetgraceError } from '../model/errors.ts'
import { describeFault, type ConnectFault } from '../model/fault.ts'
import { got } from '../model/invalid.ts'
import { describePlace, type Where } from '../model/where.ts'
import { type CallSite, callSite } from '../timeline/call-site.ts'
import type { InjectedFault, InjectionOwner } from './injection.ts'
import type { NetLink } from './link.ts'
import { Waits } from './waits.ts'

/** A fault of connecting that is on: it puts off the dials of its links. */
export class ConnectInjection implements InjectedFault {
  readonly where: Where
  /** The line that injected it. */
  readonly site: CallSite = callSite()
  hits = 0
  readonly #fault: ConnectFault
  readonly #seed: number
  readonly #owner: InjectionOwner<ConnectInjection>
  readonly #waits = new Waits()
  /** Dials that are put off, and how they go on. */
  readonly #waiting = new Map<NetLink, () => void>()
  #off = false

  constructor(fault: ConnectFault, where: Where, seed: number, owner: InjectionOwner<ConnectInjection>) {
    this.where = where
    this.#fault = fault
    this.#seed = seed
    this.#owner = owner
  }

  /** Puts off the dial of a link that is one of its own; `undefined`: it may dial now. */
  delay(link: NetLink): Promise<void> | undefined {
    const { times = Infinity } = this.where
    if (this.#off || this.hits >= times || !this.#isOwn(link)) return undefined
    this.hits++
    link.faults.push(this.toString())
    link.track.record('note', `triggered ${this.toString()}`)
    const ms = this.#decide(link)
    if (ms === undefined) return undefined
    return new Promise((resolve) => {
      const timer = ms === Infinity ? undefined : setTimer(() => this.forget(link), ms)
      this.#waiting.set(link, () => {
        clearTimer(timer)
        resolve()
      })
    })
  }

  /** Its dial is not put off any more: its time has come, or the link is over. */
  forget(link: NetLink): void {
    const goOn = this.#waiting.get(link)
    this.#waiting.delete(link)
    goOn?.()
  }

  heal(): void {
    if (this.#off) return
    this.#off = true
    this.#owner.healed(this)
    this.release()
  }

  /** Those whose dial it puts off dial now. */
  release(): void {
    for (const link of this.#waiting.keys()) this.forget(link)
  }

  [Symbol.dispose](): void {
    this.heal()
  }

  whyUnused(links: number): string {
    return this.#waits.why(this.where, links)
  }

  toString(): string {
    return [describeFault(this.#fault), ...describePlace(this.where)].join(' ')
  }

  #isOwn(link: NetLink): boolean {
    const { links, probability } = this.where
    if (typeof links === 'function' && !this.#asks(links, link)) return false
    if (probability === undefined || new Seeded(seedOf(this.#seed, 'toss')).at(link.id) < probability) return true
    this.#waits.spared()
    return false
  }

  #asks(links: (link: NetLink) => boolean, link: NetLink): boolean {
    try {
      return links(link)
    } catch (thrown) {
      const { message } = asError(thrown)
      this.#waits.threw(message)
      this.#failed(`the \`links\` function of ${this.toString()} threw for link #${link.id}, which dials at once: ${message}`, thrown)
      return false
    }
  }

  #decide(link: NetLink): number | undefined {
    try {
      const ms: unknown = this.#fault.connect({ link, random: new Seeded(seedOf(this.#seed, link.id)) })
      if (typeof ms === 'number' && ms >= 0) return ms
      throw new TypeError(`it must give a number of milliseconds ≥ 0, got ${got(ms)}`)
    } catch (thrown) {
      this.#failed(`${this.toString()} failed on link #${link.id}, which dials at once: ${asError(thrown).message}`, thrown)
      return undefined
    }
  }

  #failed(message: string, cause: unknown): void {
    this.#owner.failed(this.site.blame(new NetgraceError('ERR_NETGRACE_FAULT', message, { cause })))
  }
}
