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

/** What a slot of the ring holds. Bytes in one direction are one entry for as long as nothing else happens, and grow. */
interface Slot {
  atMs: number
  what: What
  detail: string | undefined
  bytes: number
  chunks: number
}

/**
 * The bounded record of one connection, client, server or proxy: written by whoever acts on it, told by readers.
 * The first entry stays (when and where it was opened), of the rest the latest {@link RING} - 1.
 */
export class Track {
  readonly name: string
  readonly openedAtMs: number = now()
  /** What is being waited for here, since when. */
  waiting: { readonly for: string; readonly sinceMs: number } | undefined
  lost = 0
  readonly #slots: Slot[] = []

  constructor(name: string) {
    this.name = name
  }

  /** Notes that something happened. */
  record(what: What, detail?: string): void {
    this.#push({ atMs: now(), what, detail, bytes: 0, chunks: 0 })
    debugPrint?.(this.name, what, detail)
  }

  /** Notes bytes that were read or sent. */
  bytes(what: 'read' | 'sent', count: number): void {
    if (count === 0) return
    const slots = this.#slots
    const last = slots[slots.length - 1]
    const same = last?.what === what ? last : last?.bytes && slots[slots.length - 2]?.what === what ? slots[slots.length - 2] : undefined
    if (same) {
      same.bytes += count
      same.chunks++
    } else {
      this.#push({ atMs: now(), what, detail: undefined, bytes: count, chunks: 1 })
    }
    debugPrint?.(this.name, what, `${count} B`)
  }

  /** Notes that somebody waits here, until the function that it returns is called. */
  wait(what: string): () => void {
    const waiting = { for: what, sinceMs: now() }
    this.waiting = waiting
    debugPrint?.(this.name, 'waits', `for ${what}`)
    return () => {
      if (this.waiting === waiting) this.waiting = undefined
    }
  }

  /** Puts on record what is still being waited for. */
  recordWait(): void {
    if (this.waiting) this.record('waits', `for ${this.waiting.for}, since ${Math.round(now() - this.waiting.sinceMs)} ms`)
  }

  entries(): Entry[] {
    return this.#slots.map(({ atMs, what, detail, bytes, chunks }) => ({
      atMs,
      what,
      detail: bytes === 0 ? (detail ?? '') : `${bytes} B${chunks > 1 ? ` in ${chunks} pieces` : ''}`,
    }))
  }

  /** What it was doing, in one clause: its latest entries, and what is waited for. */
  story(): string {
    const ago = (atMs: number): string => `${Math.round(now() - atMs)} ms ago`
    const parts = this.entries()
      .slice(-4)
      .map(({ what, detail, atMs }) => `${what}${detail && ` ${detail}`} ${ago(atMs)}`)
    if (this.waiting) parts.push(`waiting for ${this.waiting.for} since ${Math.round(now() - this.waiting.sinceMs)} ms`)
    return parts.join(', ')
  }

  #push(slot: Slot): void {
    if (this.#slots.length === RING) {
      this.#slots.splice(1, 1)
      this.lost++
    }
    this.#slots.push(slot)
  }
}
