import type { Socket } from 'node:net'
import { createServer, type Server, type TlsOptions, type TLSSocket } from 'node:tls'

import { asError } from '../lifetime/throw-all.ts'
import type { HandshakeCounts } from '../model/stop-report.ts'
import { now } from '../timeline/clock.ts'
import type { Timeline } from '../timeline/timeline.ts'
import type { Track } from '../timeline/track.ts'
import { socketBelow } from './handle.ts'
import { resetOrDestroy } from './reset.ts'

/** Where handshakes are recorded: as `server #1, handshake #3`. */
export interface HandshakeRecord {
  readonly timeline: Timeline
  readonly of: string
}

interface UnderWay {
  readonly track: Track | undefined
  readonly sinceMs: number
}

/**
 * The TLS handshakes of one listener, from the accept of the TCP socket on.
 *
 * 1. A `tls.Server` of ours that never listens does them.
 * 2. Each comes to a connection, or fails, or is cut while it is pending, and is counted once.
 * 3. Until it is done a peer's FIN ends it: half-open is for connections.
 */
export class Handshakes {
  readonly #engine: Server
  readonly #underWay = new Map<Socket, UnderWay>()
  readonly #record: HandshakeRecord | undefined
  #begun = 0
  #failed = 0
  #cut = 0

  /** @param done  Is given the TLS socket, and the socket below it. Wrong options throw here. */
  constructor(options: TlsOptions, done: (socket: TLSSocket, raw: Socket) => void, record?: HandshakeRecord) {
    this.#record = record
    this.#engine = createServer(options)
    this.#engine.on('secureConnection', (socket) => {
      const raw = socketBelow(socket)
      const track = this.#over(raw)?.track
      if (track) this.#record!.timeline.drop(track) // from here on it is a connection's
      socket.allowHalfOpen = true
      done(socket, raw)
    })
    this.#engine.on('tlsClientError', (error, socket) => {
      this.#fail(socketBelow(socket), error)
      socket.destroy() // its dialler learns it by its own handshake
    })
  }

  get counts(): HandshakeCounts {
    return { pending: this.#cut, failed: this.#failed }
  }

  begin(raw: Socket): void {
    this.#underWay.set(raw, { track: this.#open(raw), sinceMs: now() })
    raw.on('error', () => {}) // told as tlsClientError, or on the TLS socket
    raw.once('close', () => this.#fail(raw, new Error('the connection closed'))) // nothing, if it is over
    raw.allowHalfOpen = false // the TLS socket takes it over
    try {
      this.#engine.emit('connection', raw)
    } catch (thrown) {
      this.#fail(raw, asError(thrown)) // an option that Node looks at only now
      resetOrDestroy(raw)
    }
    raw.allowHalfOpen = true
  }

  /** Cuts what is pending. */
  cut(): void {
    for (const [raw, { track, sinceMs }] of this.#underWay) {
      this.#cut++
      track?.record('forced', `the TLS handshake was not done after ${Math.round(now() - sinceMs)} ms`)
      this.#close(this.#over(raw))
      resetOrDestroy(raw)
    }
  }

  #open(raw: Socket): Track | undefined {
    const number = ++this.#begun
    if (!this.#record) return undefined
    const track = this.#record.timeline.open(`${this.#record.of}, handshake`, number)
    const peer = raw.remotePort === undefined ? '' : ` from ${raw.remoteAddress}:${raw.remotePort}`
    track.record('opened', `TLS handshake${peer}`)
    return track
  }

  #fail(raw: Socket, error: Error): void {
    const one = this.#over(raw)
    if (!one) return
    this.#failed++
    one.track?.record('ended', `the TLS handshake failed: ${error.message}`)
    this.#close(one)
  }

  /** What was known of it, once. */
  #over(raw: Socket): UnderWay | undefined {
    const one = this.#underWay.get(raw)
    this.#underWay.delete(raw)
    return one
  }

  #close(one: UnderWay | undefined): void {
    if (one?.track) this.#record!.timeline.close(one.track)
  }
}
