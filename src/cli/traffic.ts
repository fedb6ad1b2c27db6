import { Timeline } from '../timeline/timeline.ts'
import { Track } from '../timeline/track.ts'

/** A timeline that is nobody's record: it counts the pieces that are read and sent. */
export class Traffic extends Timeline {
  readonly pieces = { read: 0, sent: 0 }

  override open(kind: string, number?: number): Track {
    return new CountedTrack(kind, number, this)
  }
}

class CountedTrack extends Track {
  readonly #traffic: Traffic

  constructor(kind: string, number: number | undefined, traffic: Traffic) {
    super(kind, number)
    this.#traffic = traffic
  }

  override bytes(what: 'read' | 'sent', count: number): void {
    super.bytes(what, count)
    this.#traffic.pieces[what]++
  }
}
