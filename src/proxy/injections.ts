import { seedOf } from '../faults/random.ts'
import { FaultUnusedError } from '../model/errors.ts'
import { describeFault, type ConnectFault, type Fault, type ListenerFault } from '../model/fault.ts'
import type { Where } from '../model/where.ts'
import type { Track } from '../timeline/track.ts'
import { ConnectInjection } from './connect-injection.ts'
import { Cycle } from './cycle.ts'
import { Injection, type InjectedFault, type InjectionOwner } from './injection.ts'
import { ListenerInjection } from './listener-injection.ts'
import type { NetLink } from './link.ts'

/** Any fault of a TCP proxy. */
export type TcpFault = Fault | ConnectFault | ListenerFault

type AnyInjection = Injection | ConnectInjection | ListenerInjection

/** What the faults of a proxy need of it. */
export interface FaultTarget {
  /** The links that are open. */
  readonly links: Iterable<NetLink>
  /** New connections are to be refused, or no longer. */
  refuse(does: boolean): void
  /** A fault has thrown, or a `links` function. */
  failed(error: Error): void
}

/** All faults of one proxy: those that are on, and those that were. */
export class Injections implements InjectionOwner<AnyInjection> {
  readonly #seed: number
  readonly #track: Track
  readonly #target: FaultTarget
  readonly #on = new Set<Injection>()
  readonly #onConnect = new Set<ConnectInjection>()
  readonly #onListener = new Set<ListenerInjection>()
  readonly #cycles = new Map<AnyInjection, Cycle>()
  readonly #ever: AnyInjection[] = []
  /** How many equal ones there were of each. */
  readonly #equals = new Map<string, number>()

  constructor(seed: number, track: Track, target: FaultTarget) {
    this.#seed = seed
    this.#track = track
    this.#target = target
  }

  inject(fault: TcpFault, where: Where): InjectedFault {
    const identity = describeFault(fault)
    const equals = this.#equals.get(identity) ?? 0
    this.#equals.set(identity, equals + 1)
    const injection = this.#begin(fault, where, seedOf(this.#seed, identity, equals))
    this.#ever.push(injection)
    return injection
  }

  #begin(fault: TcpFault, where: Where, seed: number): AnyInjection {
    if ('listener' in fault) return this.#refuse(new ListenerInjection(fault, where, this, (does) => this.#target.refuse(does)))
    if ('connect' in fault) return this.#delayDials(new ConnectInjection(fault, where, seed, this))
    const injection = new Injection(fault, where, seed, this)
    this.#on.add(injection)
    this.#note(injection, (on) => (on ? injection.resume(this.#target.links) : injection.suspend()))
    for (const link of this.#target.links) injection.strike(link, 'open')
    return injection
  }

  #refuse(injection: ListenerInjection): ListenerInjection {
    this.#onListener.add(injection)
    this.#note(injection, (on) => (on ? injection.resume() : injection.suspend()))
    injection.resume()
    return injection
  }

  #delayDials(injection: ConnectInjection): ConnectInjection {
    this.#onConnect.add(injection)
    this.#note(injection, (on) => {
      if (on) this.#onConnect.add(injection)
      else {
        this.#onConnect.delete(injection)
        injection.release()
      }
    })
    return injection
  }

  #note(injection: AnyInjection, switchTo: (on: boolean) => void): void {
    const { every } = injection.where
    if (every) this.#cycles.set(injection, new Cycle(every, switchTo))
    this.#track.record('note', `injected ${injection.toString()}`)
  }

  heal(): void {
    for (const injection of [...this.#on, ...this.#onConnect, ...this.#onListener, ...this.#cycles.keys()]) injection.heal()
  }

  /** Nothing is switched on or off any more: the proxy has stopped. */
  close(): void {
    for (const cycle of this.#cycles.values()) cycle.stop()
  }

  /** Resolves when a link may dial; `undefined`: now. */
  beforeDial(link: NetLink): Promise<void> | undefined {
    return this.#onConnect.size === 0 ? undefined : this.#delayed(link)
  }

  async #delayed(link: NetLink): Promise<void> {
    for (const injection of this.#onConnect) await injection.delay(link)
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
    for (const injection of this.#onConnect) injection.forget(link)
  }

  healed(injection: AnyInjection): void {
    this.#cycles.get(injection)?.stop()
    this.#cycles.delete(injection)
    if (injection instanceof Injection) this.#on.delete(injection)
    else if (injection instanceof ConnectInjection) this.#onConnect.delete(injection)
    else this.#onListener.delete(injection)
    this.#track.record('note', `healed ${injection.toString()}`)
  }

  failed(error: Error): void {
    this.#target.failed(error)
  }

  /** What is to be said of those that never triggered, by a proxy that had `links`; its stack is that of the first one's `inject`. */
  unused(proxy: string, links: number): FaultUnusedError | undefined {
    const unused = this.#ever.filter(({ hits, where }) => hits === 0 && !where.optional)
    if (unused.length === 0) return undefined
    const lines = unused.map((one) => {
      return `  ${one.toString()} was injected ${one.site.toString()} and never triggered: ${one.whyUnused(links)}`
    })
    const hint = 'Does the client go through the proxy? `optional: true` allows a fault not to trigger.'
    const message = `${proxy}: ${unused.length} ${unused.length === 1 ? 'fault' : 'faults'} never triggered\n${lines.join('\n')}\n${hint}`
    return unused[0]!.site.blame(new FaultUnusedError(message, unused.map(String)))
  }
}
