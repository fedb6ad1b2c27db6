import type { After } from '../model/where.ts'
import { type Matcher, matcherFor } from './matcher.ts'

/** What a fault waits for on one link, as far as both lanes share it: the match, which counts in either. */
export class Trigger {
  readonly after: After
  matched: boolean

  constructor(after: After) {
    this.after = after
    this.matched = after.match === undefined
  }

  /** Whether the link's opening is all that its bytes wait for: then nothing may pass before it. */
  get isOpening(): boolean {
    const { bytes, match, ms } = this.after
    return bytes === 0 && match === undefined && ms === undefined
  }
}

/** The trigger as one lane sees it: looks at each chunk that passes, until all that is given holds. */
export class LaneTrigger {
  /** How many bytes of the lane have passed meanwhile. */
  passed = 0
  /** All but its time has come. */
  isTiming = false
  readonly #trigger: Trigger
  readonly #matcher: Matcher | undefined
  /** The fault becomes active in this lane; otherwise the lane is only looked at for the match. */
  readonly #activates: boolean

  constructor(trigger: Trigger, activates: boolean) {
    this.#trigger = trigger
    this.#activates = activates
    if (!trigger.matched) this.#matcher = matcherFor(trigger.after.match!)
  }

  get matched(): boolean {
    return this.#trigger.matched
  }

  /** Whether there is nothing more to look for. */
  get isDone(): boolean {
    return this.#trigger.matched && (!this.#activates || this.#missing === 0)
  }

  /** How many bytes of a chunk pass before the fault may be active: all of them, if it may not yet. */
  look(chunk: Buffer): number {
    const trigger = this.#trigger
    let border = this.#missing
    if (!trigger.matched) {
      const end = this.#matcher!.feed(chunk)
      trigger.matched = end >= 0
      border = Math.max(border, end)
    }
    const holds = trigger.matched && border <= chunk.length
    const passing = holds && this.#activates ? border : chunk.length
    this.passed += passing
    return passing
  }

  get #missing(): number {
    return Math.max(0, (this.#trigger.after.bytes ?? 0) - this.passed)
  }
}
