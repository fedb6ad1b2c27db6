import { describeFault, type ListenerFault } from '../model/fault.ts'
import { describePlace, type Where } from '../model/where.ts'
import { type CallSite, callSite } from '../timeline/call-site.ts'
import type { InjectedFault, InjectionOwner } from './injection.ts'

/** A fault of the proxy's listener that is on. */
export class ListenerInjection implements InjectedFault {
  readonly where: Where
  /** The line that injected it. */
  readonly site: CallSite = callSite()
  /** How often it was put into effect. */
  hits = 0
  readonly #fault: ListenerFault
  readonly #owner: InjectionOwner<ListenerInjection>
  readonly #takesEffect: (does: boolean) => void
  #active = false
  #off = false

  /** @param takesEffect  Is told when the listener is to refuse, and when it no longer is. */
  constructor(fault: ListenerFault, where: Where, owner: InjectionOwner<ListenerInjection>, takesEffect: (does: boolean) => void) {
    this.#fault = fault
    this.where = where
    this.#owner = owner
    this.#takesEffect = takesEffect
  }

  resume(): void {
    if (this.#active || this.#off) return
    this.#active = true
    this.hits++
    this.#takesEffect(true)
  }

  suspend(): void {
    if (!this.#active) return
    this.#active = false
    this.#takesEffect(false)
  }

  heal(): void {
    if (this.#off) return
    this.#off = true
    this.#owner.healed(this)
    this.suspend()
  }

  [Symbol.dispose](): void {
    this.heal()
  }

  whyUnused(): string {
    return 'the proxy did not listen'
  }

  toString(): string {
    return [describeFault(this.#fault), ...describePlace(this.where)].join(' ')
  }
}
