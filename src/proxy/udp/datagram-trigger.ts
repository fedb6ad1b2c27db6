import type { Direction } from '../../model/fault.ts'
import type { After } from '../../model/where.ts'
import { now } from '../../timeline/clock.ts'
import { matcherFor } from '../matcher.ts'

/** When a fault becomes active on one session: so many bytes of the direction, a match in either direction, then so long. All that is given must hold. */
export class DatagramTrigger {
  readonly #after: After
  readonly #seenBytes = { upstream: 0, downstream: 0 }
  /** Since when all but the time has held. */
  readonly #heldSinceMs: { upstream: number | undefined; downstream: number | undefined } = { upstream: undefined, downstream: undefined }
  #matched: boolean

  constructor(after: After) {
    this.#after = after
    this.#matched = after.match === undefined
    this.#look()
  }

  isActive(direction: Direction): boolean {
    const sinceMs = this.#heldSinceMs[direction]
    return sinceMs !== undefined && now() - sinceMs >= (this.#after.ms ?? 0)
  }

  /** A datagram passes. A match is looked for within it: datagrams are no stream. */
  saw(direction: Direction, data: Buffer): void {
    this.#seenBytes[direction] += data.length
    this.#matched ||= matcherFor(this.#after.match!).feed(data) >= 0
    this.#look()
  }

  #look(): void {
    if (!this.#matched) return
    for (const direction of ['upstream', 'downstream'] as const) {
      if (this.#seenBytes[direction] >= (this.#after.bytes ?? 0)) this.#heldSinceMs[direction] ??= now()
    }
  }
}
