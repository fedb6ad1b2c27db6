import type { Item } from './item.ts'
import type { Link } from './link.ts'

/** Bytes travel upstream (client to server) or downstream. */
export type Direction = 'upstream' | 'downstream'

/** Random numbers in [0, 1), the same for the same seed, fault, link and direction. */
export interface Random {
  /** The next one. */
  next(): number
  /** The one that belongs to `position`, whenever it is asked for: what is drawn by byte offset does not depend on how the bytes were cut into chunks. */
  at(position: number): number
}

/** Things to do later, strictly in the order in which they were given: due times never go back. */
export interface TimerQueue {
  /** Does `act` at `dueMs` of the lane's clock, or when all before it is done, if that is later; in this very call if it is due and nothing waits. */
  at(dueMs: number, act: () => void): void
  /** Does all that waits, now and in order; from within an `act`, as soon as that has returned. */
  flush(): void
  readonly size: number
}

/** What a stage of a fault knows of its lane, and can do to it. */
export interface LaneContext {
  readonly link: Link
  readonly direction: Direction
  readonly random: Random
  /** The stage's own; forgotten with it. */
  readonly timers: TimerQueue
  /**
   * Whether the rest of the lane takes another item. A stage that makes many items out of one asks first, and keeps the
   * rest as it came; each item that is under way costs some hundred bytes, however small it is.
   */
  readonly hasRoom: boolean
  /** Milliseconds of a monotonic clock. */
  now(): number
  /** Passes an item on. What comes after an `END` or `RST` goes nowhere. */
  emit(item: Item): void
  /** Says that so many of the bytes that were pushed will never be emitted. Healing the fault then resets the link: a stream with a hole must not go on. */
  drop(bytes: number): void
  /** Emits `END`, and when that is delivered ends the other direction too: FIN to both sides. */
  finish(): void
}

/**
 * One fault at work on one lane.
 *
 * The law: the bytes emitted are the bytes pushed, in order, less those given to `drop`; `END` or `RST` at most once,
 * and last. Whoever makes a stage of his own keeps it; the proxy builds on it.
 */
export interface Stage {
  /** Something comes along the lane. Nothing is pushed after `END` or `RST`, nor after the stage has emitted one. */
  push(item: Item): void
  /** Emits all that is held, at once. What was pushed and is neither emitted then nor dropped is lost, and counts as dropped. */
  flush(): void
  /** The last call: frees what it has. */
  dispose(): void
}

/** Says what happens on a lane; `Where` says on which, and when. Called once for each lane that it hits. */
export interface Fault {
  (lane: LaneContext): Stage
  /** A function's own name will do. */
  readonly name: string
  /** What it was made with, for messages and for the seed: two faults with the same name and options are equal. */
  readonly options?: object
  /** How many bytes of a lane may be in flight while it is on. Default 1 MiB; a fault that delays needs more, or it also limits the throughput. */
  readonly inFlightBytes?: number
  /** While it is on, the acts of each timer queue of the lane take a turn each, so that a reader finds apart what was emitted apart. */
  readonly apart?: boolean
}

/** What is known of a link that is about to dial. */
export interface ConnectContext {
  readonly link: Link
  /** Belongs to this link and this fault. */
  readonly random: Random
}

/** A fault of connecting: when a link dials its upstream. */
export interface ConnectFault {
  readonly name: string
  readonly options?: object
  /** How much later the link dials. Milliseconds, ≥ 0; `Infinity`: not before the fault is healed. Called once for each link that it hits. */
  connect(context: ConnectContext): number
}

/** A fault of the proxy's listener. */
export interface ListenerFault {
  readonly name: string
  readonly options?: object
  /** New connections are refused while it is on. */
  readonly listener: 'refuses'
}

/** What is known of one datagram when its fault decides about it. */
export interface DatagramContext {
  readonly direction: Direction
  /** The datagram as it came. A fault that changes it gives a changed copy. */
  readonly data: Uint8Array
  /** Belongs to this datagram and this fault. */
  readonly random: Random
  /** Stands for one direction of one session under this injection: the key of a `WeakMap` for a fault that keeps a state. */
  readonly lane: object
  /** Milliseconds of a monotonic clock. */
  now(): number
}

/** One copy of a datagram: its delay in milliseconds, or the delay with other bytes than those that came. `Infinity` holds it until the fault is healed. */
export type Copy = number | { readonly afterMs: number; readonly data: Uint8Array }

/** What becomes of a datagram: an entry for each copy. `[]` drops it, `[0]` lets it pass. */
export type Verdict = readonly Copy[]

/** A fault of datagrams. */
export interface UdpFault {
  readonly name: string
  readonly options?: object
  /** Called once for each datagram that it hits. */
  datagram(context: DatagramContext): Verdict
}

/** `latency({"ms":100})`: a fault as messages call it, and as the seed knows it. */
export function describeFault(fault: { readonly name: string; readonly options?: object | undefined }): string {
  const options = fault.options === undefined || Object.keys(fault.options).length === 0 ? '' : JSON.stringify(fault.options)
  return `${fault.name || 'a fault without a name'}(${options})`
}
