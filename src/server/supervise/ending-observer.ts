import { errorMonitor, type EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

import { decideEnding, type Ending, type Evidence } from '../../model/ending.ts'
import { now } from '../../timeline/clock.ts'
import { isTcp, kernelKnowsPeer } from '../../wire/handle.ts'
import { resetMayReadAsEnd } from '../../wire/platform.ts'

/**
 * Sees how a socket ends that somebody else reads, writes and answers for: by the rules of our own, but it swallows no
 * error and reads no byte.
 */
export class EndingObserver {
  readonly openedAtMs: number = now()
  readonly #socket: Socket
  readonly #raw: Socket
  #intent: Evidence['intent'] | undefined
  #error: Error | undefined
  #endSeen = false
  #falseEnd = false
  #finFirst = false
  #unsure = false
  #readAtFin = -1

  constructor(socket: Socket, raw: Socket) {
    this.#socket = socket
    this.#raw = raw
    socket.prependListener('end', this.#onEnd) // first, or somebody may have answered it already
    ;(socket as EventEmitter).prependListener(errorMonitor, this.#onError)
  }

  /** Notes what we are about to do; the first act counts. */
  intend(intent: NonNullable<Evidence['intent']>): void {
    this.#intent ??= intent
  }

  /** Notes that our FIN goes out now. */
  sendingFin(): void {
    this.#readAtFin = this.#socket.bytesRead
  }

  get intent(): Evidence['intent'] | undefined {
    return this.#intent
  }

  get error(): Error | undefined {
    return this.#error
  }

  /** How it ended, once it has. */
  ending(openedAtMs: number): Ending {
    const verdict = decideEnding({
      ...(this.#intent && { intent: this.#intent }),
      endSeen: this.#endSeen,
      falseEnd: this.#falseEnd,
      finFirst: this.#finFirst,
      unsure: this.#unsure,
      ...(this.#error && { error: this.#error }),
    })
    return {
      ...verdict,
      phase: 'open',
      bytesRead: this.#socket.bytesRead ?? 0,
      bytesWritten: this.#socket.bytesWritten ?? 0,
      durationMs: now() - openedAtMs,
      ...(this.#error && !this.#intent && verdict.kind !== 'eof' && { cause: this.#error }),
    }
  }

  readonly #onEnd = (): void => {
    this.#endSeen = true
    this.#finFirst = this.#socket.writableEnded
    if (!resetMayReadAsEnd || !isTcp(this.#raw)) return
    // We see no data come: if any came after our FIN, the end may have been made up of a reset behind it.
    if (this.#finFirst) this.#unsure = this.#readAtFin >= 0 && this.#readAtFin !== this.#socket.bytesRead
    else this.#falseEnd = !kernelKnowsPeer(this.#raw)
  }

  readonly #onError = (error: Error): void => {
    this.#error ??= error
  }
}
