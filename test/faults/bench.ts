/** A lane for one stage, on a clock that the test moves: what a fault of one's own can be tried on. */
import { Seeded } from '../../src/faults/random.ts'
import type { Direction, Fault, LaneContext, Stage, TimerQueue } from '../../src/model/fault.ts'
import { END, type Item, RST } from '../../src/model/item.ts'
import type { Link } from '../../src/model/link.ts'

class Queue implements TimerQueue {
  readonly #bench: Bench
  #waiting: { atMs: number; act: () => void }[] = []

  constructor(bench: Bench) {
    this.#bench = bench
  }

  get size(): number {
    return this.#waiting.length
  }

  at(dueMs: number, act: () => void): void {
    const last = this.#waiting.at(-1)
    if (!last && dueMs <= this.#bench.timeMs) return act()
    this.#waiting.push({ atMs: Math.max(dueMs, last?.atMs ?? 0), act })
  }

  flush(): void {
    for (const { act } of this.#waiting.splice(0)) act()
  }

  /** When the next is due. */
  get nextMs(): number {
    return this.#waiting[0]?.atMs ?? Infinity
  }

  actNext(): void {
    this.#waiting.shift()!.act()
  }
}

export class Bench implements LaneContext {
  readonly direction: Direction = 'downstream'
  readonly link = {} as Link
  readonly random: Seeded
  readonly timers: Queue = new Queue(this)
  timeMs = 0
  /** What came out, and when. */
  readonly out: { readonly atMs: number; readonly item: Item }[] = []
  readonly hasRoom = true
  droppedBytes = 0
  finished = false
  readonly stage: Stage

  constructor(fault: Fault, seed = 1) {
    this.random = new Seeded(seed)
    this.stage = fault(this)
  }

  now(): number {
    return this.timeMs
  }

  emit(item: Item): void {
    this.out.push({ atMs: this.timeMs, item })
  }

  drop(bytes: number): void {
    this.droppedBytes += bytes
  }

  finish(): void {
    this.finished = true
    this.emit(END)
  }

  push(...items: readonly (Item | string)[]): this {
    for (const item of items) this.stage.push(typeof item === 'string' ? Buffer.from(item) : item)
    return this
  }

  /** Lets so much time pass; what is due happens at its time. */
  advance(ms: number): this {
    const until = this.timeMs + ms
    while (this.timers.nextMs <= until) {
      this.timeMs = this.timers.nextMs
      this.timers.actNext()
    }
    this.timeMs = until
    return this
  }

  get bytes(): Buffer {
    return Buffer.concat(this.out.map(({ item }) => item).filter((item) => typeof item !== 'symbol'))
  }

  /** Each piece as `12 ms: text`, `FIN` or `RST`. */
  get told(): string[] {
    return this.out.map(({ atMs, item }) => `${round(atMs)} ms: ${item === END ? 'FIN' : item === RST ? 'RST' : item.toString('latin1')}`)
  }
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}
