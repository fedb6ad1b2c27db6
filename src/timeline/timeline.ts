import { now } from './clock.ts'
import { Track, type Entry } from './track.ts'

/** How many tracks are kept of things that have ended. */
const ENDED_TRACKS = 64

/** How many handlers' errors are kept. */
const FAILURES = 8

/** What a handler threw. */
export interface Failure {
  /** The connection that it served. */
  readonly of: string
  readonly atMs: number
  readonly error: Error
}

/** One line of the merged record. */
export interface TimelineEntry extends Entry {
  /** The connection, client or server that it happened to. */
  readonly of: string
}

/**
 * What happened to all parts that share this record, on one clock.
 *
 * Bounded: of things that are alive each has its ring, of things that have ended the last {@link ENDED_TRACKS} are kept.
 */
export class Timeline {
  readonly startedAtMs: number = now()
  readonly #live = new Set<Track>()
  readonly #ended: Track[] = []
  readonly #numbers = new Map<string, number>()
  readonly #failures: Failure[] = []
  /** What happens from here on is the closing of its parts. */
  closingSinceMs: number = Infinity
  /** The story as it was told last: an error that has it already needs no second one. */
  told: string | undefined

  /** A track for something that was just opened: `connection #3`, if it has a number. */
  open(kind: string, number?: number): Track {
    const track = new Track(kind, number)
    this.#live.add(track)
    return track
  }

  /** `client #3`: the third of its kind on this timeline. */
  openNumbered(kind: 'client' | 'server'): Track {
    const number = (this.#numbers.get(kind) ?? 0) + 1
    this.#numbers.set(kind, number)
    return this.open(kind, number)
  }

  /** The thing has ended: its track may make way for later ones. */
  close(track: Track): void {
    if (!this.#live.delete(track)) return
    track.close()
    this.#ended.push(track)
    if (this.#ended.length > ENDED_TRACKS) this.#ended.shift()
  }

  /** The thing has become another, which has a track of its own. */
  drop(track: Track): void {
    this.#live.delete(track)
  }

  /** A handler threw, and not for the end of its own connection. The first {@link FAILURES} are kept. */
  failed(of: string, error: Error): void {
    if (this.#failures.length < FAILURES) this.#failures.push({ of, error, atMs: now() })
  }

  get failures(): readonly Failure[] {
    return this.#failures
  }

  /** Puts on record who still waits for what, of all that something has happened to since then. */
  recordWaits(sinceMs = 0): void {
    for (const track of this.#live) if (track.hasMoved(sinceMs)) track.recordWait()
  }

  /** Whether anything has happened since then. */
  hasMoved(sinceMs: number): boolean {
    return this.tracks().some((track) => track.hasMoved(sinceMs))
  }

  /** All tracks that are kept, oldest first. */
  tracks(): Track[] {
    return [...this.#ended, ...this.#live].toSorted((a, b) => a.openedAtMs - b.openedAtMs)
  }

  /** All entries of all tracks, in the order in which they happened. */
  entries(): TimelineEntry[] {
    return this.tracks()
      .flatMap((track) => track.entries().map((entry) => ({ ...entry, of: track.name })))
      .toSorted((a, b) => a.atMs - b.atMs)
  }
}
