import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'

import { clearTimer, nextTurn, setTimer } from '../../lifetime/timers.ts'
import type { ConnectionRecord } from '../../model/connection.ts'
import { describeEnding } from '../../model/describe-ending.ts'
import type { Ending } from '../../model/ending.ts'
import { formatEndpoint, type Endpoint } from '../../model/endpoint.ts'
import { now } from '../../timeline/clock.ts'
import type { Track } from '../../timeline/track.ts'
import { resetOrDestroy } from '../../wire/reset.ts'
import { EndingObserver } from './ending-observer.ts'

/**
 * What a connection of a supervised server is there for at the moment.
 *
 * - `handshake`: TLS, not done yet; or it was there before supervision, and nothing has been heard of it since.
 * - `unused`: HTTP, and not a byte has come.
 * - `busy`: an HTTP/1 request is arriving, or being answered.
 * - `idle`: HTTP/1, kept alive, nothing under way.
 * - `http2`: a session.
 * - `upgraded`: a WebSocket, a tunnel.
 * - `open`: of a server that speaks no HTTP.
 */
export type ConnectionUse = 'handshake' | 'unused' | 'busy' | 'idle' | 'http2' | 'upgraded' | 'open'

/** A connection of a supervised server: to look at, not to read from, which its server does. */
export interface SupervisedConnection {
  /** Counts from 1, in the order in which they were seen. */
  readonly id: number
  readonly local: Endpoint
  readonly peer: Endpoint
  /** The TLS socket where there is one. */
  readonly socket: Socket
  readonly use: ConnectionUse
  /** `GET /slow`: the HTTP/1 request that is being answered, of several the last. */
  readonly request: string | undefined
}

/** What a stop report says of a supervised connection. `handler` is always `settled`: its server's handlers are not ours to know. */
export interface SupervisedRecord extends ConnectionRecord {
  /** As it was when the server was told to quit. */
  readonly use: ConnectionUse
  /** The HTTP/1 request that was being answered when it ended. */
  readonly request: string | undefined
}

/** Whoever counts them. */
export interface Supervisor {
  /** It has been told to quit: whatever begins now is the last on its connection. */
  readonly quitting: boolean
  /** Idle connections stay for a while. */
  readonly lingering: boolean
  over(connection: Visit): void
}

export interface VisitParts {
  readonly id: number
  readonly raw: Socket
  readonly speaks: 'handshake' | 'http1' | 'http2' | 'open'
  readonly track: Track
  readonly path: string | undefined
}

/** NO_ERROR, and the highest id that a stream can have: begin no more, all that you have begun is served (RFC 9113 §6.8). */
const NOTICE = [0, 2 ** 31 - 1] as const

/** See {@link SupervisedConnection}. */
export class Visit implements SupervisedConnection {
  readonly id: number
  readonly local: Endpoint
  readonly peer: Endpoint
  /** The TCP socket below a TLS one, or the socket itself. */
  readonly raw: Socket
  readonly track: Track
  socket: Socket
  ending: Ending | undefined
  forced = false
  #speaks: ConnectionUse | 'http1'
  session: ServerHttp2Session | undefined
  #observer: EndingObserver
  readonly #openedAtMs: number
  readonly #supervisor: Supervisor
  #latest: ServerResponse | undefined
  /** How much had been read when that was asked for. */
  #readAtLatest = 0
  #useAtQuit: ConnectionUse | undefined
  /** The answer behind which it closes. */
  #awaited: ServerResponse | undefined
  #announced = false
  #quitting = false
  #lastChance: NodeJS.Timeout | undefined

  constructor({ id, raw, speaks, track, path }: VisitParts, supervisor: Supervisor) {
    this.id = id
    this.raw = raw
    this.socket = raw
    this.track = track
    this.#speaks = speaks
    this.#supervisor = supervisor
    this.#observer = new EndingObserver(raw, raw)
    this.#openedAtMs = this.#observer.openedAtMs
    this.local = path === undefined ? { host: raw.localAddress ?? 'unknown', port: raw.localPort ?? 0 } : { path }
    this.peer = path === undefined ? { host: raw.remoteAddress ?? 'unknown', port: raw.remotePort ?? 0 } : { path: '' }
    track.record('opened', { toString: () => `${formatEndpoint(this.peer)} → ${formatEndpoint(this.local)}` })
    raw.once('close', () => {
      if (this.socket === raw) this.#closed()
    })
  }

  get use(): ConnectionUse {
    if (this.#speaks !== 'http1') return this.#speaks
    const { bytesRead } = this.socket
    if (!this.#latest) return bytesRead > 0 ? 'busy' : 'unused'
    if (!this.#latest.closed) return 'busy'
    // What has come since the request is its body, or the next request.
    return bytesRead > this.#readAtLatest && !hasBody(this.#latest.req) ? 'busy' : 'idle'
  }

  get request(): string | undefined {
    if (!this.#latest || this.#latest.closed) return undefined
    const { method, url } = this.#latest.req
    return `${method} ${url}`
  }

  /** Its handshake is done. */
  secured(socket: Socket, speaks: 'http1' | 'open'): void {
    this.socket = socket
    this.#speaks = speaks
    this.#observer = new EndingObserver(socket, this.raw)
    socket.once('close', () => this.#closed())
  }

  began(session: ServerHttp2Session): void {
    this.#speaks = 'http2'
    this.session = session
  }

  upgraded(): void {
    this.#speaks = 'upgraded'
    this.track.record('note', 'upgraded')
    if (this.#quitting) nextTurn(() => this.finish()) // whoever upgrades it is told after us, and has its answer to send
  }

  /** A request has come. Until its server quits that is noted and no more: it happens thousands of times a second. */
  answering(response: ServerResponse): void {
    this.#latest = response
    this.#readAtLatest = this.socket.bytesRead
    if (this.#supervisor.quitting) this.#announce()
  }

  /** Its server has been told to quit: an answer that goes out before the listener has closed says so, too. */
  tell(): void {
    this.#useAtQuit ??= this.use
    this.#announce()
  }

  /** Its server quits. Called again when what was left lingering is not to linger any longer. */
  quit(): void {
    const { use } = this
    this.#useAtQuit ??= use
    this.#quitting = true
    const stays = this.#supervisor.lingering || this.#lastChance !== undefined
    switch (use) {
      case 'handshake':
        return
      case 'busy':
        return this.#announce()
      case 'idle':
        return stays ? undefined : this.retire()
      case 'unused':
        return this.#lastChance ? undefined : this.retire()
      case 'http2':
        if (stays) this.session?.goaway(...NOTICE)
        else this.session?.close()
        return
      case 'upgraded':
      case 'open':
        return this.finish()
    }
  }

  /** Its handshake was still under way at quit: who has just shaken hands is about to ask, and may, once, within `ms`. */
  quitAfter(ms: number): void {
    this.#useAtQuit = 'handshake'
    this.#lastChance = setTimer(() => {
      this.#lastChance = undefined
      this.quit()
    }, ms)
    nextTurn(() => this.quit()) // by then it is known what it speaks
  }

  /** FIN, and its owner goes on reading. */
  finish(): void {
    const { socket } = this
    if (socket.destroyed || socket.writableEnded) return
    this.#observer.sendingFin()
    this.track.record('half-closed')
    socket.on('error', () => {}) // its owner may write once more, and "write after end" would be an error of our making
    socket.end()
    if (socket.readableFlowing === null) socket.resume() // nobody reads, so nobody would see the peer's FIN
  }

  /** Closes it, as there is nothing under way. */
  retire(): void {
    const { socket } = this
    if (socket.destroyed) return
    if (!socket.writableEnded) this.#observer.intend('closed')
    // Not by FIN and waiting: a request that crossed it would be handled, and its answer go nowhere. Over TLS it takes its leave first.
    if (socket === this.raw && socket.writableLength === 0) socket.destroy()
    else socket.destroySoon()
  }

  /** Cuts it. */
  force(): void {
    if (this.ending) return
    this.#useAtQuit ??= this.use
    this.forced = true
    this.#observer.intend('reset')
    this.track.record('forced', this.request)
    resetOrDestroy(this.socket, this.raw)
  }

  record(): SupervisedRecord {
    const { id, local, peer, socket, ending, request } = this
    const openMs = ending?.durationMs ?? now() - this.#openedAtMs
    const bytes = { bytesRead: socket.bytesRead ?? 0, bytesWritten: socket.bytesWritten ?? 0 }
    return { id, local, peer, ending, ...bytes, openMs, handler: 'settled', use: this.#useAtQuit ?? this.use, request }
  }

  /** Tells the client by the answer under way, if that has not begun; of several only by the last, or it would not wait for the others. */
  #announce(): void {
    const response = this.#latest
    if (!response || response.closed || response === this.#awaited) return
    this.#awaited = response
    response.once('close', () => this.#answered())
    if (response.headersSent) return
    response.setHeader('connection', 'close')
    this.#announced = true
  }

  #answered(): void {
    if (this.use !== 'idle') return // another request has come behind it
    if (this.#announced || (this.#quitting && !this.#supervisor.lingering)) this.retire()
  }

  #closed(): void {
    clearTimer(this.#lastChance)
    this.ending = this.#observer.ending(this.#openedAtMs)
    this.track.record('ended', { toString: () => describeEnding(this.ending!) })
    this.#supervisor.over(this)
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
