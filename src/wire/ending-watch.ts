import type { Socket } from 'node:net'

import { decideEnding, type Ending, type Evidence } from '../model/ending.ts'
import { now } from '../timeline/clock.ts'
import { resetMayReadAsEnd } from './platform.ts'
import { currentTurn } from './turn.ts'

/**
 * Gathers, from a socket's first moment, what its ending will be decided by.
 *
 * What we do ourselves is noted when it is called. The peer's `end` is judged when it comes, because only then can the
 * kernel still be asked whether it was one.
 */
export class EndingWatch {
  readonly #socket: Socket
  readonly #startedAtMs = now()
  #phase: Ending['phase']
  #intent: Evidence['intent'] | undefined
  #cause: Error | undefined
  #error: Error | undefined
  #endSeen = false
  #falseEnd = false
  #finFirst = false
  #unsure = false
  #finTurn = -1
  #dataTurn = -1

  constructor(socket: Socket, phase: Ending['phase']) {
    this.#socket = socket
    this.#phase = phase
  }

  opened(): void {
    this.#phase = 'open'
  }

  /** Notes what we are about to do. `false`: it is too late, or something was done before, and that is how it ended. */
  intend(intent: NonNullable<Evidence['intent']>, cause?: Error): boolean {
    if (this.#intent || this.#socket.destroyed) return false
    this.#intent = intent
    this.#cause = cause
    return true
  }

  get intent(): Evidence['intent'] | undefined {
    return this.#intent
  }

  /** Nothing that follows can change how it ended. */
  get decided(): boolean {
    return this.#intent !== undefined || this.#endSeen
  }

  /** Notes that our FIN goes out now. */
  sendingFin(): void {
    if (resetMayReadAsEnd) this.#finTurn = currentTurn()
  }

  /** Notes that data came; the turn matters only where an end behind it may be made up. */
  sawData(): void {
    if (this.#finTurn >= 0) this.#dataTurn = currentTurn()
  }

  /** @param blind  The reader had stopped reading before, so the end may have come with data that was seen earlier. */
  sawEnd(blind: boolean): void {
    this.#endSeen = true
    this.#finFirst = this.#socket.writableEnded
    if (!resetMayReadAsEnd || !('getpeername' in (handleOf(this.#socket) ?? {}))) return
    if (this.#finFirst) {
      const turn = currentTurn()
      this.#unsure = blind || this.#dataTurn === turn || this.#finTurn === turn
    } else {
      this.#falseEnd = !kernelKnowsPeer(this.#socket)
    }
  }

  sawError(error: Error): void {
    this.#error ??= error
  }

  /** How it ended; before the socket has closed, how it would stand if it closed now. */
  ending(): Ending {
    const error = this.#error
    const verdict = decideEnding({
      ...(this.#intent && { intent: this.#intent }),
      endSeen: this.#endSeen,
      falseEnd: this.#falseEnd,
      finFirst: this.#finFirst,
      unsure: this.#unsure,
      ...(error && { error }),
    })
    const cause = this.#cause ?? (verdict.kind === 'eof' ? undefined : error)
    return {
      ...verdict,
      phase: this.#phase,
      bytesRead: this.#socket.bytesRead,
      bytesWritten: this.#socket.bytesWritten ?? 0,
      durationMs: now() - this.#startedAtMs,
      ...(cause && { cause }),
    }
  }
}

interface Handle {
  getpeername?(into: object): number
}

function handleOf(socket: Socket): Handle | undefined {
  return (socket as unknown as { _handle?: Handle })._handle
}

/** `remotePort` would answer from memory. */
function kernelKnowsPeer(socket: Socket): boolean {
  return handleOf(socket)?.getpeername?.({}) === 0
}
