import { afterThis } from '../lifetime/timers.ts'
import { Timeline } from '../timeline/timeline.ts'
import { Track, type Detail, type What } from '../timeline/track.ts'

/** A timeline that is nobody's record: it says which track of a kind has something new, once the turn's work is done. */
export class Lookout extends Timeline {
  readonly #kind: string
  readonly #look: (track: Track) => void
  readonly #due = new Set<Track>()

  constructor(kind: string, look: (track: Track) => void) {
    super()
    this.#kind = kind
    this.#look = look
  }

  override open(kind: string, number?: number): Track {
    return kind === this.#kind ? new WatchedTrack(kind, number, (track) => this.#lookSoon(track)) : super.open(kind, number)
  }

  #lookSoon(track: Track): void {
    if (this.#due.has(track)) return
    this.#due.add(track)
    afterThis(() => {
      this.#due.delete(track)
      this.#look(track)
    })
  }
}

class WatchedTrack extends Track {
  readonly #recorded: (track: Track) => void

  constructor(kind: string, number: number | undefined, recorded: (track: Track) => void) {
    super(kind, number)
    this.#recorded = recorded
  }

  override record(what: What, detail?: Detail): void {
    super.record(what, detail)
    this.#recorded(this)
  }
}
