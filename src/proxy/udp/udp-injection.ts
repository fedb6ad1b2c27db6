import { seedOf, Seeded } from '../../faults/random.ts'
import { describeFault, type Direction, type UdpFault, type Verdict } from '../../model/fault.ts'
import { describeWhere } from '../../model/where.ts'
import type { InjectedFault } from '../injection.ts'
import type { UdpWhere } from './udp-options.ts'

/** What a datagram is known by when chance decides: which one it is, of which session, in which direction. */
export interface DatagramPlace {
  readonly session: number
  readonly direction: Direction
  readonly number: number
}

/** A fault of datagrams that is on. `hits` counts datagrams. */
export class UdpInjection implements InjectedFault {
  readonly where: UdpWhere
  hits = 0
  readonly #fault: UdpFault
  readonly #seed: number
  readonly #healed: (injection: UdpInjection) => void

  constructor(fault: UdpFault, where: UdpWhere, seed: number, healed: (injection: UdpInjection) => void) {
    this.where = where
    this.#fault = fault
    this.#seed = seed
    this.#healed = healed
  }

  /** What becomes of this datagram; `[0]`: it passes. */
  verdict({ session, direction, number }: DatagramPlace): Verdict {
    const { direction: way = 'both', times = Infinity, probability = 1 } = this.where
    if ((way !== 'both' && way !== direction) || this.hits >= times) return [0]
    const key = seedOf(this.#seed, session, direction, number)
    if (new Seeded(seedOf(key, 'toss')).next() >= probability) return [0]
    this.hits++
    return this.#fault.datagram({ direction, random: new Seeded(key) })
  }

  /** Takes it off; what it has delayed still comes. */
  heal(): void {
    this.#healed(this)
  }

  [Symbol.dispose](): void {
    this.heal()
  }

  toString(): string {
    return `${describeFault(this.#fault)} ${describeWhere(this.where)}`
  }
}
