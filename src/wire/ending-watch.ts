import type { Socket } from 'node:net'

import { decideEnding, type Ending, type Evidence } from '../model/ending.ts'
import { now } from '../timeline/clock.ts'
import { isTcp, kernelKnowsPeer } from './handle.ts'
import { resetMayReadAsEnd } from './platform.ts'
import { currentTurn } from './turn.ts'

/**
 * Gathers, from a socket's first moment, what its ending will be decided by.
 *
 * What we do ourselves is noted when it is called. The peer's `end` is judged when it comes, because only then can the
 * kernel still be asked whether it was one.
 */
export class EndingWatch {
  /** The reader stopped reading once, so an end may have come with data that was seen earlier. */
  blind = false
  readonly #socket: Socket
  readonly #raw: Socket
  readonly startedAtMs: number = now()
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

  /** @param raw  The TCP socket below a TLS one: of that the kernel is asked. */
  constructor(socket: Socket, phase: Ending['phase'], raw: Socket = socket) {
    this.#socket = socket
    this.#raw = raw
    this.#phase = phase
    ;(socket as Watched)[WATCH] = this
    socket.on('end', onEnd)
    socket.on('error', onError)
    if (raw === socket) return
    ;(raw as Watched)[WATCH] = this
    raw.on('error', onError) // a dial that fails is told there
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

  /** How it ended; before the socket has closed, how it would stand if it closed now. */
  ending(): Ending {
    const error = this.#error
    const { kind, by, certain } = decideEnding({
      intent: this.#intent,
      endSeen: this.#endSeen,
      falseEnd: this.#falseEnd,
      finFirst: this.#finFirst,
      unsure: this.#unsure,
      error,
    })
    const ending: Ending = {
      kind,
      by,
      phase: this.#phase,
      certain,
      bytesRead: this.#socket.bytesRead,
      bytesWritten: this.#socket.bytesWritten ?? 0,
      durationMs: now() - this.startedAtMs,
    }
    const cause = this.#cause ?? (kind === 'eof' ? undefined : error)
    return cause ? { ...ending, cause } : ending
  }

  sawEnd(): void {
    this.#endSeen = true
    this.#finFirst = this.#socket.writableEnded
    if (!resetMayReadAsEnd || !isTcp(this.#raw)) return
    if (this.#finFirst) {
      const turn = currentTurn()
      this.#unsure = this.blind || this.#dataTurn === turn || this.#finTurn === turn
    } else {
      this.#falseEnd = !kernelKnowsPeer(this.#raw)
    }
  }

  sawError(error: Error): void {
    this.#error ??= error
  }
}

const WATCH = Symbol('netgrace.watch')
type Watched = Socket & { [WATCH]?: EndingWatch }

// Shared by all sockets, which know their watch: closures of their own cost each connection 64 bytes apiece.
function onEnd(this: Watched): void {
  this[WATCH]!.sawEnd()
}

function onError(this: Watched, error: Error): void {
  this[WATCH]!.sawError(error)
}
