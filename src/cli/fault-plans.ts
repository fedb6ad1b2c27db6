import { InvalidArgumentError } from 'commander'

import type { UdpFault } from '../model/fault.ts'
import type { Where } from '../model/where.ts'
import type { TcpFault } from '../proxy/injections.ts'
import { checkWhereOf } from '../proxy/proxy-options.ts'
import { faultFrom, faultNames, type AnyFault } from './fault-specs.ts'

/** Where and when a fault strikes, as far as the command line can say. */
type Placement = Omit<Where, 'optional'>

/** What does not go with UDP: it has no links. */
const FOR_TCP: readonly (keyof Placement)[] = ['links']

interface Plan {
  readonly name: string
  readonly fault: AnyFault
  readonly own: Placement
}

/**
 * The faults of a command line, in its order: what says where and when belongs to the fault before it, and before the
 * first fault to all of them; a fault's own goes first.
 */
export class FaultPlans {
  readonly #plans: Plan[] = []
  readonly #forAll: Placement = {}

  /** `--fault`. */
  add(text: string): this {
    this.#plans.push({ name: text.split(':')[0]!, fault: faultFrom(text), own: {} })
    return this
  }

  /** `--direction` and its like. */
  place<Key extends keyof Placement>(key: Key, value: NonNullable<Placement[Key]>): this {
    const last = this.#plans.at(-1)
    const placement: { -readonly [Each in keyof Placement]: Placement[Each] } = last?.own ?? this.#forAll
    if (placement[key] !== undefined)
      throw new InvalidArgumentError(`It is given twice for ${last ? `--fault ${last.name}` : 'all faults'}.`)
    placement[key] = value
    return this
  }

  /** What no single option can say; nothing if they go together. */
  wrong(udp: boolean): string | undefined {
    const [first] = Object.keys(this.#forAll)
    if (this.#plans.length === 0) return first && `--${first} goes with a --fault`
    const allowed = faultNames(udp ? 'UDP' : 'TCP')
    for (const { name, fault, own } of this.#plans) {
      const misplaced = FOR_TCP.find((key) => key in own || key in this.#forAll)
      if (udp && misplaced) return `--${misplaced} does not go with --udp: there are --direction, --after, --probability and --times`
      if ((allowed as readonly string[]).includes(name)) {
        const why = udp ? undefined : this.#misplaced(fault as TcpFault, own)
        if (why) return `--fault ${name}: ${why}`
        continue
      }
      if (udp) return `--fault ${name} does not go with --udp: there are ${allowed.join(', ')}`
      return `--fault ${name} goes with --udp; TCP sends again what is lost: there are ${allowed.join(', ')}`
    }
    return undefined
  }

  /** What a fault of connecting has no use for. */
  #misplaced(fault: TcpFault, own: Placement): string | undefined {
    try {
      checkWhereOf(fault, { ...this.#forAll, ...own })
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  /** Once nothing is {@link wrong}. A person who tries things by hand may see a fault meet nothing. */
  tcp(): [TcpFault, Where][] {
    return this.#plans.map(({ fault, own }) => [fault as TcpFault, { ...this.#forAll, ...own, optional: true }])
  }

  /** See {@link tcp}. */
  udp(): [UdpFault, Omit<Where, 'links'>][] {
    return this.tcp().map(([fault, where]) => [fault as TcpFault & UdpFault, where])
  }
}
