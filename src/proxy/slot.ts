import type { Direction } from '../model/fault.ts'
import { type Item, sizeOf } from '../model/item.ts'
import type { Link } from '../model/link.ts'
import { ActiveStage, type Activation, type Receiver, type StageLane } from './active-stage.ts'
import type { LaneTrigger } from './trigger.ts'

/** What a slot needs of its lane. */
export interface SlotLane extends StageLane {
  readonly direction: Direction
  readonly link: Link
}

/**
 * A fault's place in one lane.
 *
 * | state     | an item                                              | ends with                                   |
 * |-----------|------------------------------------------------------|---------------------------------------------|
 * | `holding` | is kept                                              | `start`: it is pushed again                 |
 * | `pending` | passes, and the trigger looks at it                  | `activate`, `pass`                          |
 * | `active`  | goes through the fault's stage                       | `heal`                                      |
 * | `passing` | passes                                               | for good                                    |
 * | `gone`    | passes                                               | the slot is not in the lane any more        |
 */
export class Slot implements Receiver {
  readonly trigger: LaneTrigger
  readonly #lane: SlotLane
  #next: Receiver
  #state: 'holding' | 'pending' | 'active' | 'passing' | 'gone' = 'pending'
  #kept: Item[] = []
  #stage: ActiveStage | undefined
  /** An end has passed. */
  #ended = false
  /** Told when the trigger may hold now, in whichever lane. */
  readonly #looked: () => void

  constructor(lane: SlotLane, next: Receiver, trigger: LaneTrigger, looked: () => void) {
    this.#lane = lane
    this.#next = next
    this.trigger = trigger
    this.#looked = looked
  }

  get isPending(): boolean {
    return this.#state === 'pending'
  }

  get isActive(): boolean {
    return this.#state === 'active'
  }

  /** It has let an end pass: nothing may come behind that any more. */
  get hasEnded(): boolean {
    return this.#ended || (this.#stage?.hasEnded ?? false)
  }

  /** What may be in flight on account of it. Bytes. */
  get inFlightBytes(): number {
    return this.#state === 'active' ? this.#stage!.inFlightBytes : 0
  }

  /** Whether what is emitted in the lane is to be read apart, on account of it. */
  get apart(): boolean {
    return this.#state === 'active' && this.#stage!.apart
  }

  /** How many items it holds, as far as that can be known from outside. */
  get items(): number {
    return this.#kept.length + (this.#stage?.items ?? 0)
  }

  get next(): Receiver {
    return this.#next
  }

  set next(next: Receiver) {
    this.#next = next
    if (this.#stage) this.#stage.next = next
  }

  push(item: Item): void {
    if (this.hasEnded) return this.#lane.release(sizeOf(item))
    switch (this.#state) {
      case 'holding':
        this.#kept.push(item)
        return
      case 'pending':
        return this.#pass(item)
      case 'active':
        return this.#stage!.push(item)
      default:
        this.#through(item)
    }
  }

  /** It stands in a lane that is over. */
  endHasPassed(): void {
    this.#ended = true
  }

  /** Keeps what comes until {@link start}. */
  hold(): void {
    if (this.#state === 'pending') this.#state = 'holding'
  }

  /** What was kept comes now; before it, `first` is done. */
  start(first: () => void): void {
    if (this.#state !== 'holding') return
    this.#state = 'pending'
    first()
    for (const item of this.#takeKept()) this.push(item)
  }

  /** From now on all passes. */
  pass(): void {
    if (this.#state === 'pending') this.#state = 'passing'
  }

  /** From now on the fault's stage decides. It may emit at once, even where an end has passed before it. */
  activate(activation: Activation): void {
    if (this.#state !== 'pending') return
    this.#state = 'active'
    this.#stage = new ActiveStage(this.#lane, this.#next, activation, this.#ended)
    this.#stage.begin()
  }

  /** Lets go of all that is held. `true`: the stream has a gap now, or lacks its end, and must not go on. */
  heal(): boolean {
    const stage = this.#state === 'active' ? this.#stage : undefined
    const kept = this.#takeKept()
    if (this.#state === 'holding') this.#state = 'passing'
    for (const item of kept) this.push(item)
    const gap = stage?.heal() ?? false
    this.dispose()
    return gap
  }

  dispose(): void {
    this.#state = 'gone'
    this.#takeKept()
    this.#stage?.dispose()
  }

  #pass(item: Item): void {
    if (typeof item === 'symbol' || this.trigger.isDone) return this.#through(item)
    const border = this.trigger.look(item)
    if (border > 0) this.#through(item.subarray(0, border))
    if (this.trigger.matched) this.#looked()
    if (border < item.length) this.push(item.subarray(border))
  }

  #through(item: Item): void {
    if (typeof item === 'symbol') this.#ended = true
    this.#next.push(item)
  }

  #takeKept(): Item[] {
    const kept = this.#kept
    this.#kept = []
    return kept
  }
}
