import type { Socket } from 'node:net'

import { EndingWatch } from '../../wire/ending-watch.ts'

/** Sees how a socket ends that its own server reads, writes and answers for: by the rules of our own. See {@link EndingWatch}. */
export class EndingObserver extends EndingWatch {
  readonly openedAtMs: number = this.startedAtMs

  constructor(socket: Socket, raw: Socket) {
    super(socket, 'open', raw, { passive: true })
  }
}
