import type { ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'

import { SETTLE_MS } from '../../lifetime/stop.ts'
import { afterThis, clearTimer, nextTurn, setTimer } from '../../lifetime/timers.ts'
import { describeEnding } from '../../model/describe-ending.ts'
import type { Ending } from '../../model/ending.ts'
import { formatEndpoint, type Endpoint } from '../../model/endpoint.ts'
import { now } from '../../timeline/clock.ts'
import type { Track } from '../../timeline/track.ts'
import { resetOrDestroy } from '../../wire/reset.ts'
import { Dialogue } from './dialogue.ts'
import { EndingObserver } from './ending-observer.ts'
import { HttpExchange } from './http-exchange.ts'
import type { ConnectionUse, SupervisedConnection, SupervisedRecord } from './supervised-connection.ts'

/** What counts the connections. */
export interface Supervisor {
  /** The server quits: what begins now is the last on its connection. */
  readonly quitting: boolean
  /** Idle connections stay for a while. */
  readonly lingering: boolean
  /** Whether Node's parser waits for the next request; `undefined` where Node does not show it. */
  isIdle(socket: Socket): boolean | undefined
  over(connection: Visit): void
}

/** What it speaks, as far as that is known. */
type Speech = 'handshake' | 'http1' | 'http2' | 'upgraded' | 'open'

export interface VisitParts {
  readonly id: number
  readonly raw: Socket
  readonly speaks: 'handshake' | 'http1' | 'http2' | 'open'
  readonly track: Track
  readonly path: string | undefined
  /** It was there before supervision. */
  readonly earlier: boolean
}

/**
 * How far the stop of its server has come with a connection, in this order, of which some are left out:
 *
 * - `serving`: no stop.
 * - `told`: quit; the listener is still open.
 * - `expecting`: a request may come that it has invited, by its accept, its handshake or a keep-alive answer just now.
 * - `lingering`: idle ones stay, as `idle.lingerMs` says.
 * - `leaving`: it ends as soon as nothing is under way.
 * - `lastCall`: the deadline is near.
 * - `parted`: our FIN is out; what comes is read and dropped until the peer's.
 * - `over`: its socket has closed.
 */
type Stage = 'serving' | 'told' | 'expecting' | 'lingering' | 'leaving' | 'lastCall' | 'parted' | 'over'

/** What is done to a connection that is at a stage. */
type Move =
  /** Nothing, until something changes. */
  | 'wait'
  /** Its answer says that the connection closes, once it is known to be the last. */
  | 'announce'
  /** Its answer says so now. */
  | 'insist'
  /** HTTP/1: FIN; then it waits a little for the peer's, and closes. */
  | 'part'
  /** HTTP/2: GOAWAY that still permits what has been begun. */
  | 'notice'
  /** HTTP/2: GOAWAY, and it closes behind the last stream. */
  | 'close'
  /** FIN; then it waits for the peer's. */
  | 'finish'

/** All that the stop of a server does to its connections, but for the forcing. */
const MOVES: Readonly<Record<ConnectionUse, Readonly<Record<Exclude<Stage, 'serving' | 'parted' | 'over'>, Move>>>> = {
  handshake: { told: 'wait', expecting: 'wait', lingering: 'wait', leaving: 'wait', lastCall: 'wait' },
  unused: { told: 'wait', expecting: 'wait', lingering: 'part', leaving: 'part', lastCall: 'part' },
  busy: { told: 'announce', expecting: 'announce', lingering: 'announce', leaving: 'announce', lastCall: 'insist' },
  idle: { told: 'wait', expecting: 'wait', lingering: 'wait', leaving: 'part', lastCall: 'part' },
  http2: { told: 'wait', expecting: 'notice', lingering: 'notice', leaving: 'close', lastCall: 'close' },
  upgraded: { told: 'wait', expecting: 'finish', lingering: 'finish', leaving: 'finish', lastCall: 'finish' },
  answering: { told: 'wait', expecting: 'wait', lingering: 'wait', leaving: 'wait', lastCall: 'finish' },
  open: { told: 'wait', expecting: 'finish', lingering: 'finish', leaving: 'finish', lastCall: 'finish' },
}

/** NO_ERROR, and the highest id that a stream can have: begin no more, all that you have begun is served (RFC 9113 §6.8). */
const NOTICE = [0, 2 ** 31 - 1] as const

/** How long an HTTP peer that has had all its answers has for its own FIN, from the last that came from it. Milliseconds. */
export const PARTING_MS = 250

/** One connection of a supervised server, from its accept to its close. See {@link SupervisedConnection}. */
export class Visit implements SupervisedConnection {
  readonly id: number
  readonly local: Endpoint
  readonly peer: Endpoint
  /** The TCP socket below a TLS one, or the socket itself. */
  readonly raw: Socket
  readonly track: Track
  readonly earlier: boolean
  socket: Socket
  ending: Ending | undefined
  forced = false
  session: ServerHttp2Session | undefined
  #speaks: Speech = 'handshake'
  #spokenSinceMs = 0
  #stage: Stage = 'serving'
  #exchange: HttpExchange | undefined
  #dialogue: Dialogue | undefined
  #observer: EndingObserver
  #useAtQuit: ConnectionUse | undefined
  /** Of `expecting`: when it is over. Of `parted`: when the peer has had its time. */
  #timer: NodeJS.Timeout | undefined
  /** The answer whose end is waited for. */
  #awaited: ServerResponse | undefined
  /** HTTP/1: all that was asked has been answered, and only the peer's FIN is missing. */
  #served = false
  readonly #openedAtMs: number
  readonly #supervisor: Supervisor

  constructor({ id, raw, speaks, track, path, earlier }: VisitParts, supervisor: Supervisor) {
    this.id = id
    this.earlier = earlier
    this.raw = raw
    this.socket = raw
    this.track = track
    this.#supervisor = supervisor
    this.#observer = new EndingObserver(raw, raw)
    this.#openedAtMs = this.#observer.openedAtMs
    this.local = path === undefined ? { host: raw.localAddress ?? 'unknown', port: raw.localPort ?? 0 } : { path }
    this.peer = path === undefined ? { host: raw.remoteAddress ?? 'unknown', port: raw.remotePort ?? 0 } : { path: '' }
    track.record('opened', { toString: () => `${formatEndpoint(this.peer)} → ${formatEndpoint(this.local)}` })
    this.#speak(speaks)
    raw.once('close', () => {
      if (this.socket === raw) this.#closed()
    })
  }

  get use(): ConnectionUse {
    switch (this.#speaks) {
      case 'http1':
        return this.#exchange!.use
      case 'open':
        return this.#dialogue!.answering ? 'answering' : 'open'
      case 'upgraded':
        return this.#dialogue!.answering ? 'busy' : 'upgraded'
      default:
        return this.#speaks
    }
  }

  get request(): string | undefined {
    return this.#exchange?.request
  }

  /** Its handshake is done. */
  secured(socket: Socket, speaks: 'http1' | 'open'): void {
    this.socket = socket
    this.#observer = new EndingObserver(socket, this.raw)
    socket.once('close', () => this.#closed())
    this.#speak(speaks)
  }

  began(session: ServerHttp2Session): void {
    this.#speak('http2')
    this.session = session
  }

  /** Its server has been asked for an upgrade, and has yet to answer that. */
  upgraded(answered: boolean): void {
    this.#speak('upgraded')
    this.track.record('note', 'upgraded')
    if (answered) this.#dialogue!.answered()
  }

  /** A request has come. Until its server quits that is noted and no more. */
  answering(response: ServerResponse): void {
    this.#exchange?.begin(response)
    if (this.#supervisor.quitting) this.#update()
  }

  /** Its server has been told to quit: an answer that goes out before the listener has closed says so, too. */
  tell(): void {
    this.#useAtQuit ??= this.use
    if (this.#stage === 'serving') this.#go('told')
  }

  /** Its server's listener has closed. */
  quit(): void {
    this.#useAtQuit ??= this.use
    if (this.#stage !== 'serving' && this.#stage !== 'told') return
    const ageMs = now() - this.#spokenSinceMs
    if (this.use === 'unused' && ageMs < SETTLE_MS) this.expect(SETTLE_MS - ageMs)
    else this.#leave()
  }

  /** Idle connections are not to linger any longer. */
  lingerNoLonger(): void {
    if (this.#stage === 'lingering') this.#go('leaving')
  }

  /** The deadline is near. */
  lastCall(): void {
    if (this.#stage === 'expecting' || this.#stage === 'leaving') this.#go('lastCall')
  }

  /** A request may come, because it was invited: it has so long. */
  expect(ms: number): void {
    this.#useAtQuit ??= 'handshake'
    clearTimer(this.#timer)
    this.#timer = setTimer(() => this.#stage === 'expecting' && this.#leave(), ms)
    this.#stage = 'expecting'
    this.#takeOver()
    nextTurn(() => this.#update()) // by then it is known what it speaks
  }

  /** Cuts it, unless it waits for nothing but the peer's FIN. */
  force(): void {
    if (this.ending) return
    this.#useAtQuit ??= this.use
    if (this.#served && this.socket.writableFinished) return this.#drop()
    this.forced = true
    this.#observer.intend('reset')
    this.track.record('forced', this.request)
    resetOrDestroy(this.socket, this.raw)
  }

  record(): SupervisedRecord {
    const { id, local, peer, socket, ending, request } = this
    const openMs = ending?.durationMs ?? now() - this.#openedAtMs
    const bytes = { bytesRead: socket.bytesRead ?? 0, bytesWritten: socket.bytesWritten ?? 0 }
    const use = this.#useAtQuit ?? this.use
    return { id, local, peer, ending, ...bytes, openMs, handler: 'settled', use, request, cutOffBytes: this.#dialogue?.cutOffBytes ?? 0 }
  }

  #speak(what: Speech): void {
    this.#speaks = what
    this.#spokenSinceMs = now()
    const { socket } = this
    if (what === 'http1') this.#exchange = new HttpExchange(socket, (of) => this.#supervisor.isIdle(of))
    if (what === 'open') this.#dialogue = new Dialogue(socket, 'each', () => this.#update())
    if (what === 'upgraded') this.#dialogue = new Dialogue(socket, 'first', () => this.#update())
    this.#takeOver()
    if (this.#stage !== 'serving') nextTurn(() => this.#update()) // what listens behind us has its say first
  }

  #leave(): void {
    this.#go(this.#supervisor.lingering ? 'lingering' : 'leaving')
  }

  #go(stage: Stage): void {
    this.#stage = stage
    this.#takeOver()
    this.#update()
  }

  /** From quit on it is ours to end: Node would close an HTTP/1 connection behind its last answer, unread bytes or not, and so reset it. */
  #takeOver(): void {
    if (this.#stage === 'serving') return
    this.#dialogue?.watch()
    const { socket } = this
    if (this.#speaks === 'http1') socket.destroySoon = () => this.#part()
    else Reflect.deleteProperty(socket, 'destroySoon')
  }

  /** Does what is due, whatever has changed. */
  #update(): void {
    const stage = this.#stage
    if (stage === 'serving' || stage === 'parted' || stage === 'over' || this.socket.destroyed) return
    const move = MOVES[this.use][stage]
    switch (move) {
      case 'wait':
        return
      case 'announce':
      case 'insist':
        this.#awaitAnswer()
        if (this.#exchange?.announce(move === 'insist')) afterThis(() => this.#exchange?.announce(false))
        return
      case 'part':
        return this.#part()
      case 'notice':
        return this.session?.goaway(...NOTICE)
      case 'close':
        return this.session?.close()
      case 'finish':
        return this.#finish()
    }
  }

  #awaitAnswer(): void {
    const answer = this.#exchange?.answer
    if (!answer || answer === this.#awaited) return
    this.#awaited = answer
    answer.once('close', () => this.#answered())
  }

  /** Its answer did not close it, so it has invited another request, once the one that was answered has all come. */
  #answered(): void {
    const stage = this.#stage
    if (stage === 'parted' || stage === 'over' || this.#exchange!.answer) return
    this.#exchange!.upload?.once('end', () => this.#answered())
    const invites = stage === 'told' || stage === 'expecting' || stage === 'leaving'
    if (invites && this.use === 'idle') this.expect(SETTLE_MS)
    else this.#update()
  }

  /**
   * FIN, behind the last answer. What comes is read on, or the peer would be reset before it has read that (RFC 9112 §9.6),
   * and nothing of it handled but the rest of the request that was answered.
   */
  #part(): void {
    if (this.#stage === 'parted' || this.#stage === 'over') return
    this.#stage = 'parted'
    clearTimer(this.#timer)
    const { socket } = this
    if (socket.destroyed) return
    this.#sendFin(() => socket.end())
    const upload = this.#exchange!.readUpload
    if (upload) upload.once('end', () => this.#awaitFin())
    else this.#awaitFin()
  }

  #awaitFin(): void {
    const { socket } = this
    this.#served = this.#exchange!.upload === undefined
    this.#exchange!.detach()
    if (socket.writableFinished) this.#boundParting()
    else socket.once('finish', () => this.#boundParting())
  }

  #boundParting(): void {
    const { bytesRead } = this.socket
    this.#timer = setTimer(() => (this.socket.bytesRead === bytesRead ? this.#drop() : this.#boundParting()), PARTING_MS)
  }

  /** Closes a connection that both sides have done with. */
  #drop(): void {
    if (this.socket.destroyed) return
    this.#observer.intend('closed')
    this.socket.destroy()
  }

  /** FIN, and its owner goes on reading. */
  #finish(): void {
    this.#stage = 'parted'
    clearTimer(this.#timer)
    const { socket } = this
    socket.on('error', () => {}) // what comes of our FIN is no error of its owner's
    this.#sendFin(() => this.#dialogue!.close())
    if (socket.readableFlowing === null) socket.resume() // nobody reads, so nobody would see the peer's FIN
  }

  #sendFin(end: () => void): void {
    if (this.socket.writableEnded) return
    this.#observer.sendingFin()
    this.track.record('half-closed')
    end()
  }

  #closed(): void {
    clearTimer(this.#timer)
    this.#dialogue?.release()
    this.#stage = 'over'
    this.ending = this.#observer.ending(this.#openedAtMs)
    this.track.record('ended', { toString: () => describeEnding(this.ending!) })
    this.#supervisor.over(this)
  }
}
