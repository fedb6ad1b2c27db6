import type { Direction, Fault } from '../model/fault.ts'
import type { Where } from '../model/where.ts'
import { now } from '../timeline/clock.ts'
import type { Activation } from './active-stage.ts'
import { DueQueue } from './due-queue.ts'
import type { Lane } from './lane.ts'
import type { NetLink } from './link.ts'
import type { Slot } from './slot.ts'
import { LaneTrigger, Trigger } from './trigger.ts'

/** What a strike needs of its injection. */
export interface StrikeOwner {
  readonly fault: Fault
  readonly where: Where
  /** `true` once for each of its `times`. */
  takeOne(link: NetLink): boolean
  seedFor(link: NetLink, direction: Direction): number
  triggered(link: NetLink): void
  /** Its function threw: as it is reported. */
  couldNotBegin(link: NetLink, thrown: unknown): Error
  leftGap(link: NetLink): void
}

/** What a fault saw of a link while it waited there: for the message, if it never triggers. */
export interface Wait {
  /** Bytes that passed in a lane in which it would have become active, the most of them. */
  readonly bytes: number
  /** Bytes that were looked at for the match, in both lanes. */
  readonly lookedAt: number
  readonly matched: boolean
  /** How long it has waited for its `ms`, if the rest held. */
  readonly ms: number | undefined
  readonly active: boolean
  readonly encrypted: boolean
}

interface Place {
  readonly slot: Slot
  readonly lane: Lane
  readonly activates: boolean
}

/** An injection on one link: its places in the lanes, and what wakes them. */
export class LinkStrike {
  readonly link: NetLink
  /** Whether the link is one of the injection's own; `undefined`: that is not known yet, and what comes is kept. */
  #chosen: boolean | undefined
  readonly #owner: StrikeOwner
  readonly #trigger: Trigger
  readonly #places: Place[] = []
  readonly #timers: DueQueue
  #timingSinceMs: number | undefined
  #takesPart: boolean | undefined
  #triggered = false

  constructor(owner: StrikeOwner, link: NetLink, chosen: boolean | undefined) {
    this.#owner = owner
    this.link = link
    this.#chosen = chosen
    this.#trigger = new Trigger(owner.where.after ?? {})
    this.#timers = new DueQueue({ run: (act) => link.lanes.upstream.run(act), apart: () => false })
  }

  get isChosen(): boolean | undefined {
    return this.#chosen
  }

  begin(): void {
    const { direction = 'both' } = this.#owner.where
    for (const lane of Object.values(this.link.lanes)) {
      const activates = direction === 'both' || direction === lane.direction
      if (!activates && this.#trigger.matched) continue
      const slot = lane.insert(new LaneTrigger(this.#trigger, activates), () => this.#activateWhatIsDue())
      this.#places.push({ slot, lane, activates })
    }
    if (this.#mustHold) for (const { slot } of this.#places) slot.hold()
    else this.#activateWhatIsDue()
  }

  /** It is known now whether the link is one of its own. */
  choose(chosen: boolean): void {
    this.#chosen = chosen
    if (chosen) this.#goOn()
    else this.heal()
  }

  /** The link has opened: its upstream is connected. */
  opened(): void {
    this.#goOn()
  }

  /** The link's upstream will never be there. */
  neverOpens(): void {
    if (this.#mustHold) this.choose(false)
  }

  /** Takes it off the link. */
  heal(): void {
    this.forget()
    for (const { slot, lane } of this.#places) {
      lane.remove(slot, (gap) => {
        if (gap) this.#owner.leftGap(this.link)
      })
    }
  }

  /** Nothing becomes active any more. */
  forget(): void {
    this.#timers.clear()
  }

  /** What it has seen so far. */
  wait(): Wait {
    const bytes = this.#places.filter(({ activates }) => activates).map(({ slot }) => slot.trigger.passed)
    return {
      bytes: Math.max(0, ...bytes),
      lookedAt: this.#places.reduce((sum, { slot }) => sum + slot.trigger.passed, 0),
      matched: this.#trigger.matched,
      ms: this.#timingSinceMs === undefined ? undefined : now() - this.#timingSinceMs,
      active: this.#takesPart ?? false,
      encrypted: this.link.isEncrypted,
    }
  }

  get #mustHold(): boolean {
    return this.#chosen === undefined || (this.#trigger.isOpening && this.link.upstream.local === undefined)
  }

  #goOn(): void {
    if (this.#mustHold || this.#chosen === false) return
    for (const { slot, lane } of this.#places) lane.run(() => slot.start(() => this.#activateWhatIsDue()))
    this.#activateWhatIsDue()
  }

  /** Both lanes, for what the one has seen may be what the other waits for. */
  #activateWhatIsDue(): void {
    for (const { slot, lane, activates } of this.#places) {
      if (!slot.isPending || !slot.trigger.isDone) continue
      if (!activates) slot.pass()
      else if (this.#trigger.after.ms === undefined) this.#activate(slot, lane)
      else this.#activateLater(slot, lane, this.#trigger.after.ms)
    }
  }

  #activateLater(slot: Slot, lane: Lane, ms: number): void {
    if (slot.trigger.isTiming) return
    slot.trigger.isTiming = true
    this.#timingSinceMs ??= now()
    this.#timers.at(now() + ms, () => this.#activate(slot, lane))
  }

  #activate(slot: Slot, lane: Lane): void {
    this.#takesPart ??= this.#owner.takeOne(this.link)
    if (this.#takesPart) slot.activate(this.#activationFor(lane))
    else slot.pass()
  }

  #activationFor({ direction }: Lane): Activation {
    const owner = this.#owner
    return {
      fault: owner.fault,
      seed: owner.seedFor(this.link, direction),
      triggered: () => {
        if (this.#triggered) return
        this.#triggered = true
        owner.triggered(this.link)
      },
      failed: (thrown) => owner.couldNotBegin(this.link, thrown),
    }
  }
}
