import { errorMonitor, type EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

import { decideEnding, type Ending, type Evidence, type TimedOut } from '../model/ending.ts'
import { NetgraceError } from '../model/errors.ts'
import { now } from '../timeline/clock.ts'
import { CloseNotify } from './close-notify.ts'
import { carriesTls, handleOf, isTcp, kernelKnowsPeer, socketBelow } from './handle.ts'
import { resetMayReadAsEnd } from './platform.ts'
import { currentTurn } from './turn.ts'

/**
 * Gathers, from a socket's first moment, what its ending will be decided by.
 *
 * 1. What we do ourselves is noted when it is called: the first act is how it ended.
 * 2. At the peer's `end` one question is asked, on every Node and of the TCP socket below TLS: does the kernel still know the
 *    peer? After a FIN it does, after a reset it does not. libuv below 1.52 makes an end of a reset right behind data, and TLS,
 *    on every Node, of one that a write of its own has met: it keeps that write's error to itself.
 * 3. Where our own FIN was out, the kernel forgets the peer at its FIN, too, and the question has no answer.
 * 4. A passive one watches a socket that another reads, writes and answers for: it swallows no error and reads no byte.
 */
export class EndingWatch {
  /** The reader stopped reading once, so an end may have come with data that was seen earlier. */
  blind = false
  readonly startedAtMs: number = now()
  #socket: Socket
  readonly #raw: Socket
  readonly #passive: boolean
  #notify: CloseNotify | undefined
  #phase: Ending['phase']
  #intent: Evidence['intent'] | undefined
  #cause: Error | undefined
  #timedOut: TimedOut | undefined
  #error: Error | undefined
  #endSeen = false
  #falseEnd = false
  #finFirst = false
  #unsure = false
  #truncated = false
  #handle: object | undefined
  #finTurn = -1
  #readAtFin = 0
  #dataTurn = -1

  /** @param raw  The TCP socket below a TLS one: of that the kernel is asked. */
  constructor(socket: Socket, phase: Ending['phase'], raw: Socket = socketBelow(socket), { passive = false } = {}) {
    this.#socket = socket
    this.#raw = raw
    this.#phase = phase
    this.#passive = passive
    this.#listen(socket)
    if (phase === 'open') this.#handle = handleOf(socket)
    if (raw === socket) return
    if (!passive) this.#listen(raw)
    this.opened()
  }

  /** The handshake over the socket has begun: from here on the TLS socket is what ends. */
  secured(socket: Socket): void {
    this.#socket = socket
    this.#listen(socket)
  }

  opened(): void {
    this.#phase = 'open'
    this.#handle = handleOf(this.#socket) // not sooner: a dial to several addresses changes it
    if (this.#raw !== this.#socket && !this.#passive) this.#notify = new CloseNotify(this.#socket as TLSSocket, this.#raw)
  }

  /** Notes what we are about to do. `false`: it is too late, or something was done before, and that is how it ended. */
  intend(intent: NonNullable<Evidence['intent']>, why?: Error | TimedOut): boolean {
    if (this.#intent || this.#socket.destroyed) return false
    this.#intent = intent
    if (why && 'waitedFor' in why) this.#timedOut = why
    else this.#cause = why
    return true
  }

  get intent(): Evidence['intent'] | undefined {
    return this.#intent
  }

  get error(): Error | undefined {
    return this.#error
  }

  /** Nothing that follows can change how it ended. */
  get decided(): boolean {
    return this.#intent !== undefined || this.#endSeen
  }

  /** The peer's `end` was none: the connection is gone, and no event will tell. */
  get resetAtEnd(): boolean {
    return this.#falseEnd && this.#intent === undefined
  }

  /** Notes that our FIN goes out now. */
  sendingFin(): void {
    if (!resetMayReadAsEnd) return
    this.#finTurn = currentTurn()
    this.#readAtFin = this.#socket.bytesRead
  }

  /** Notes that data came; the turn matters only where an end behind it may be made up. */
  sawData(): void {
    if (this.#finTurn >= 0) this.#dataTurn = currentTurn()
  }

  /** How it ended; before the socket has closed, how it would stand if it closed now. */
  ending(openedAtMs = this.startedAtMs): Ending {
    const verdict = decideEnding({
      intent: this.#intent,
      endSeen: this.#endSeen,
      falseEnd: this.#falseEnd,
      finFirst: this.#finFirst,
      unsure: this.#unsure,
      truncated: this.#truncated,
      carriesTls: !this.#passive && carriesTls(this.#handle),
      error: this.#error,
    })
    const cause = this.#cause ?? this.#causeOf(verdict)
    return {
      ...verdict,
      phase: this.#phase,
      bytesRead: this.#socket.bytesRead ?? 0,
      bytesWritten: this.#socket.bytesWritten ?? 0,
      durationMs: now() - openedAtMs,
      ...(cause && { cause }),
      ...(this.#timedOut && { timedOut: this.#timedOut }),
    }
  }

  sawEnd(): void {
    if (this.#endSeen) return
    this.#endSeen = true
    this.#finFirst = this.#socket.writableEnded
    const known = kernelKnowsPeer(this.#raw)
    const notify = this.#notify?.verdict
    const tls = this.#raw !== this.#socket
    if (!this.#finFirst && !known && isTcp(this.#raw)) this.#falseEnd = tls ? notify !== 'came' : resetMayReadAsEnd
    this.#truncated = !this.#falseEnd && notify === 'missing'
    if (this.#finFirst && resetMayReadAsEnd && isTcp(this.#raw) && notify !== 'came') this.#unsure = this.#cameWithData()
  }

  sawError(error: Error): void {
    this.#error ??= error
  }

  /** Whether data came with the end, or where none is told of, since our FIN. */
  #cameWithData(): boolean {
    if (this.#passive) return this.#finTurn >= 0 && this.#readAtFin !== this.#socket.bytesRead
    const turn = currentTurn()
    return this.blind || this.#dataTurn === turn || this.#finTurn === turn
  }

  #causeOf({ kind }: Pick<Ending, 'kind'>): Error | undefined {
    if (kind !== 'eof') return this.#passive && this.#intent ? undefined : this.#error
    if (this.#truncated) return new NetgraceError('ERR_NETGRACE_TRUNCATED', TRUNCATED)
    return this.#endSeen ? undefined : new NetgraceError('ERR_NETGRACE_CARRIES_TLS', CARRIES_TLS)
  }

  #listen(socket: Socket): void {
    const watched = socket as Watched
    watched[WATCH] = this
    if (this.#passive) {
      watched.prependListener('end', onEnd) // first, or another may have answered it already
      ;(watched as EventEmitter).prependListener(errorMonitor, onError)
    } else {
      watched.on('end', onEnd)
      watched.on('error', onError)
    }
  }
}

const TRUNCATED = 'the peer ended TLS without close_notify: what came may be cut short'

const CARRIES_TLS = 'TLS was put on the socket, and how that ended its own socket tells'

const WATCH = Symbol('netgrace.watch')
type Watched = Socket & { [WATCH]?: EndingWatch }

// Shared by all sockets, which know their watch: closures of their own cost each connection 64 bytes apiece.
function onEnd(this: Watched): void {
  this[WATCH]!.sawEnd()
}

function onError(this: Watched, error: Error): void {
  this[WATCH]!.sawError(error)
}
