import { debugPrint } from './debug.ts'
import { now } from './clock.ts'

/** What can happen to one thing on the timeline. */
export type What =
  | 'dialling'
  | 'opened'
  | 'listening'
  | 'read'
  | 'sent'
  | 'peer half-closed'
  | 'peer reset'
  | 'half-closed'
  | 'resetting'
  | 'closing'
  | 'ended'
  | 'quit'
  | 'quitting'
  | 'draining'
  | 'forcing'
  | 'late'
  | 'forced'
  | 'stopped'
  | 'handler settled'
  | 'handler rejected'
  | 'waits'
  | 'note'

export interface Entry {
  readonly atMs: number
  readonly what: What
  readonly detail: string
}

/** How many entries are kept of one thing: its first, and its latest. */
export const RING = 32

/**
 * What is told of an entry; a thing that can be asked is worded only when the record is read. Where that would keep more alive
 * than its words, `brief` gives what is kept once the track has closed.
 */
export type Detail = string | { toString(): string; brief?(): Detail }

/** One entry, linked to the next: a quiet connection has two or three. Bytes in one direction are one entry for as long as nothing else happens, and grow. */
interface Slot {
  readonly atMs: number
  readonly what: What
  detail: Detail | undefined
  bytes: number
  chunks: number
  next: Slot | undefined
}

/** Who waits for what, since when. */
export interface Waiting {
  readonly for: string
  /** Not of those who wait for as long as it lives. */
  readonly sinceMs?: number
}

/**
 * The bounded record of one connection, client, server or proxy: written by whoever acts on it, told by readers.
 * The first entry stays (when and where it was opened), of the rest the latest {@link RING} - 1.
 */
export class Track {
  /** What is being waited for here. */
  waiting: Waiting | undefined
  /** How many entries have made way for later ones. */
  lost = 0
  readonly #kind: string
  readonly #number: number | undefined
  #count = 0
  #first: Slot | undefined
  #last: Slot | undefined
  #beforeLast: Slot | undefined

  constructor(kind: string, number?: number) {
    this.#kind = kind
    this.#number = number
  }

  /** `client #3`, or what has a name of its own. */
  get name(): string {
    return this.#number === undefined ? this.#kind : `${this.#kind} #${this.#number}`
  }

  get openedAtMs(): number {
    return this.#first?.atMs ?? 0
  }

  /** Whether something has happened to it, or a wait has begun, since then. */
  hasMoved(sinceMs: number): boolean {
    return (this.#last?.atMs ?? 0) >= sinceMs || (this.waiting?.sinceMs ?? 0) >= sinceMs
  }

  /** Notes that something happened. */
  record(what: What, detail?: Detail): void {
    this.#push({ atMs: now(), what, detail, bytes: 0, chunks: 0, next: undefined })
    if (debugPrint) debugPrint(this.name, what, detail?.toString())
  }

  /** Notes bytes that were read or sent. */
  bytes(what: 'read' | 'sent', count: number): void {
    if (count === 0) return
    const same = this.#sameBytes(what)
    if (same) {
      same.bytes += count
      same.chunks++
    } else {
      this.#push({ atMs: now(), what, detail: undefined, bytes: count, chunks: 1, next: undefined })
    }
    if (debugPrint) debugPrint(this.name, what, `${count} B`)
  }

  /** Notes that somebody waits here, until {@link waited}. */
  wait(waiting: Waiting): void {
    this.waiting = waiting
    if (debugPrint) debugPrint(this.name, 'waits', `for ${waiting.for}`)
  }

  /** What was waited for has come, or is not waited for any more. */
  waited(waiting: Waiting): void {
    if (this.waiting === waiting) this.waiting = undefined
  }

  /** Puts on record what is still being waited for. */
  recordWait(): void {
    if (this.waiting) this.record('waits', `for ${worded(this.waiting)}`)
  }

  /** It has ended: its record may outlive it, and keeps nothing of it but words. */
  close(): void {
    this.waiting = undefined
    for (let slot = this.#first; slot; slot = slot.next) {
      if (typeof slot.detail === 'object' && slot.detail.brief) slot.detail = slot.detail.brief()
    }
  }

  entries(): Entry[] {
    const entries: Entry[] = []
    const { lost } = this
    for (let slot = this.#first; slot; slot = slot.next) {
      const { atMs, what, bytes, chunks } = slot
      const detail = bytes > 0 ? `${bytes} B${chunks > 1 ? ` in ${chunks} pieces` : ''}` : (slot.detail?.toString() ?? '')
      entries.push({ atMs, what, detail })
      if (slot === this.#first && lost > 0 && slot.next)
        entries.push({ atMs: slot.next.atMs, what: 'note', detail: `${lost} entries left out here` })
    }
    return entries
  }

  /** What it was doing, in one clause: its latest entries, and what is waited for. */
  story(): string {
    const ago = (atMs: number): string => `${Math.round(now() - atMs)} ms ago`
    const parts = this.entries()
      .slice(-4)
      .map(({ what, detail, atMs }) => `${what}${detail && ` ${detail}`} ${ago(atMs)}`)
    if (this.waiting) parts.push(`waiting for ${worded(this.waiting)}`)
    return parts.join(', ')
  }

  /** The entry that bytes of this direction belong to: the last, or, of a conversation, the one before it. */
  #sameBytes(what: 'read' | 'sent'): Slot | undefined {
    if (this.#last?.what === what) return this.#last
    return this.#last && this.#last.bytes > 0 && this.#beforeLast?.what === what ? this.#beforeLast : undefined
  }

  #push(slot: Slot): void {
    if (this.#last) this.#last.next = slot
    this.#first ??= slot
    this.#beforeLast = this.#last
    this.#last = slot
    if (this.#count < RING) {
      this.#count++
    } else {
      this.#first.next = this.#first.next!.next
      this.lost++
    }
  }
}

function worded({ for: what, sinceMs }: Waiting): string {
  return sinceMs === undefined ? what : `${what}, since ${Math.round(now() - sinceMs)} ms`
}
