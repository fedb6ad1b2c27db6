import { seedOf, Seeded } from '../../faults/random.ts'
import { asError } from '../../lifetime/throw-all.ts'
import { NetgraceError } from '../../model/errors.ts'
import { describeFault, type Copy, type Direction, type UdpFault, type Verdict } from '../../model/fault.ts'
import { got } from '../../model/invalid.ts'
import { describeWhere } from '../../model/where.ts'
import { now } from '../../timeline/clock.ts'
import type { InjectedFault } from '../injection.ts'
import type { UdpWhere } from './udp-options.ts'

/** A datagram as a fault sees it: which one it is, of which session, in which direction. */
export interface DatagramPlace {
  readonly session: number
  readonly direction: Direction
  readonly number: number
  readonly data: Buffer
  /** Stands for this direction of the session under this injection. */
  readonly lane: object
}

/** Whoever has the injections. */
export interface InjectionOwner {
  /** It was healed, and is to leave every session. */
  healed(injection: UdpInjection): void
  /** The fault has thrown, or has given no verdict; the datagram passes. */
  faultFailed(error: Error): void
}

/** A fault of datagrams that is on. `hits` counts datagrams. */
export class UdpInjection implements InjectedFault {
  readonly where: UdpWhere
  hits = 0
  readonly #fault: UdpFault
  readonly #seed: number
  readonly #owner: InjectionOwner
  #datagrams = 0
  #bytes = 0
  #off = false

  constructor(fault: UdpFault, where: UdpWhere, seed: number, owner: InjectionOwner) {
    this.where = where
    this.#fault = fault
    this.#seed = seed
    this.#owner = owner
  }

  /** Whether it acts on datagrams of that direction. */
  acts(direction: Direction): boolean {
    const { direction: own = 'both' } = this.where
    return own === 'both' || own === direction
  }

  /** A datagram came that it may act on. */
  cameBy(bytes: number): void {
    this.#datagrams++
    this.#bytes += bytes
  }

  /** What came by while it never triggered. */
  whyUnused(): string {
    const { direction = 'both', after = {}, probability } = this.where
    if (this.#datagrams === 0) return `no datagram came ${direction === 'both' ? 'either way' : direction}`
    const came = `${this.#datagrams} datagram${this.#datagrams === 1 ? '' : 's'} came by`
    if (after.bytes !== undefined && this.#bytes < after.bytes) return `${came}, with ${this.#bytes} of the ${after.bytes} bytes`
    if (after.match !== undefined || after.ms !== undefined) return `${came}, none after what it waited for`
    return probability === undefined ? came : `${came}, and chance chose none`
  }

  /** What becomes of this datagram; `undefined`: the fault does not hit it. */
  verdict({ session, direction, number, data, lane }: DatagramPlace): Verdict | undefined {
    const { times = Infinity, probability = 1 } = this.where
    if (this.hits >= times) return undefined
    const key = seedOf(this.#seed, session, direction, number)
    if (new Seeded(seedOf(key, 'toss')).next() >= probability) return undefined
    this.hits++
    try {
      return checked(this.#fault.datagram({ direction, data, lane, random: new Seeded(key), now }), this.#fault)
    } catch (thrown) {
      this.#owner.faultFailed(asError(thrown))
      return undefined
    }
  }

  /** Takes it off; what it holds is passed on, in order. */
  heal(): void {
    if (this.#off) return
    this.#off = true
    this.#owner.healed(this)
  }

  [Symbol.dispose](): void {
    this.heal()
  }

  toString(): string {
    return `${describeFault(this.#fault)} ${describeWhere(this.where)}`
  }
}

function checked(verdict: Verdict, fault: UdpFault): Verdict {
  if (Array.isArray(verdict) && (verdict as Copy[]).every(isCopy)) return verdict
  throw new NetgraceError(
    'ERR_NETGRACE_FAULT',
    `${describeFault(fault)} must give a list of delays in milliseconds, ≥ 0, or of { afterMs, data }, got ${got(verdict)}`,
  )
}

function isCopy(copy: unknown): boolean {
  if (typeof copy === 'number') return copy >= 0
  const { afterMs, data } = (copy ?? {}) as { readonly afterMs?: unknown; readonly data?: unknown }
  return typeof afterMs === 'number' && afterMs >= 0 && ArrayBuffer.isView(data)
}
