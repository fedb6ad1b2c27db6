import { setMaxListeners } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'

import { Deadline } from '../../lifetime/deadline.ts'
import { Live } from '../../lifetime/live.ts'
import { Reach } from '../../lifetime/reach.ts'
import { AbortController } from '../../lifetime/realm.ts'
import { inSlices } from '../../lifetime/slices.ts'
import { SETTLE_MS, stopInOrder, type Stoppable } from '../../lifetime/stop.ts'
import { afterThis, clearTicker, clearTimer, nextTurn, setTicker, setTimer, turn } from '../../lifetime/timers.ts'
import type { StopReport } from '../../model/stop-report.ts'
import type { Timeline } from '../../timeline/timeline.ts'
import type { Track } from '../../timeline/track.ts'
import { acceptBacklog } from '../../wire/backlog.ts'
import { resetOrDestroy } from '../../wire/reset.ts'
import { closeListener, closeUnseen, closeUnseenIdle, countOf, type ForeignServer, type Speaks } from './foreign-server.ts'
import { idleSocketsOf, isShared, responseUnderWay, socketBelow, socketsOf, stillSpeaksHttp } from './inside-node.ts'
import { OwnListeners } from './own-listeners.ts'
import type { SupervisedRecord } from './supervised-connection.ts'
import { Visit, type Supervisor } from './visit.ts'

/** What the stop of a supervised server came to. */
export interface SupervisedStopReport extends StopReport {
  /** Connections that were there before supervision, still open at quit, and that Node does not show: waited for, but only an HTTP server can force them. Not among the other counts. */
  readonly untracked: number
  readonly drained: readonly SupervisedRecord[]
  readonly forced: readonly SupervisedRecord[]
  /** Those of the two whose server wrote after the stop had sent them their FIN: what it wrote was not sent, see `cutOffBytes`. */
  readonly cutOff: readonly SupervisedRecord[]
}

export interface SupervisionSetup {
  readonly speaks: Speaks
  readonly lingerMs: number
  readonly timeline: Timeline
  readonly track: Track
  onPhase(phase: 'quitting' | 'draining' | 'forcing'): void
}

/** How often a server is asked to close the idle ones of those that it does not show us. Milliseconds. */
const UNSEEN_EVERY_MS = 20

/** So long before the deadline, or a quarter of the time if that is less, what has had no answer gets its FIN all the same, so that its peer may leave. Milliseconds. */
const LAST_CALL_MS = 250

/** Behaves otherwise if nobody listens. */
const UPGRADES = ['upgrade', 'connect']
const CHECKS = ['checkContinue', 'checkExpectation']

/**
 * Watches over a server of the user's, from its first listener to its report.
 *
 * 1. A connection is live from its accept until its socket has closed, its TLS handshake included.
 * 2. It is counted once as accepted, and once as ended before the stop, drained or forced.
 * 3. After quit nothing that is accepted reaches the server.
 * 4. Nothing of ours is left on the server at the end.
 */
export class Supervision implements Stoppable<Visit>, Supervisor {
  readonly live: Live<Visit> = new Live()
  readonly reach: Reach<Visit> = new Reach(this.live, 'connections')
  readonly quitSignal: AbortSignal
  lingering: boolean
  /** Where it listens, if that is a unix socket: its connections do not tell. */
  path: string | undefined
  readonly #server: ForeignServer
  readonly #setup: SupervisionSetup
  readonly #listeners: OwnListeners
  readonly #quitting = new AbortController()
  readonly #visits = new Map<Socket, Visit>()
  readonly #drained: SupervisedRecord[] = []
  readonly #forced: SupervisedRecord[] = []
  readonly #errors: Error[] = []
  /** The one whose `connection` or `secureConnection` is being told right now: an HTTP/2 session begins within it. */
  #arriving: Visit | undefined
  #accepted = 0
  #endedBefore = 0
  #late = 0
  #untracked = 0
  #handshakesCut = 0
  #handshakesFailed = 0
  /** There were connections before us; some may have escaped us, and of TLS we see only what is below. */
  #anyBefore = false
  #restore = (): void => {}
  #listenerGone: Promise<void> | undefined
  #deadline: Deadline | undefined
  #lastCall: Deadline | undefined
  /** What Node's parsers wait for nothing but the next request, as it was when that was asked in this turn. */
  #idle: { readonly sockets: Set<Socket> | undefined } | undefined
  #lingerTimer: NodeJS.Timeout | undefined
  #unseenTicker: NodeJS.Timeout | undefined

  constructor(server: ForeignServer, setup: SupervisionSetup) {
    this.#server = server
    this.#setup = setup
    this.lingering = setup.lingerMs > 0
    this.quitSignal = this.#quitting.signal
    setMaxListeners(0, this.quitSignal)
    this.#listeners = new OwnListeners(server)
    const { tls, http1, http2 } = setup.speaks
    this.#listeners.on('connection', (raw: Socket) => this.#connected(raw))
    if (tls) this.#listeners.on('secureConnection', (socket: Socket) => this.#secured(socket))
    if (http2) this.#listeners.on('session', (session: ServerHttp2Session) => this.#arriving?.began(session))
    if (!http1) return
    const onRequest = (_request: IncomingMessage, response: ServerResponse): void => this.#answering(response)
    this.#listeners.on('request', onRequest)
    this.#listeners.alongside(CHECKS, onRequest)
    this.#listeners.alongside(UPGRADES, (_request: IncomingMessage, socket: Socket) => this.#visitOn(socket).upgraded(false))
  }

  get quitting(): boolean {
    return this.quitSignal.aborted
  }

  isIdle(socket: Socket): boolean | undefined {
    if (!this.#idle) {
      this.#idle = { sockets: idleSocketsOf(this.#server) }
      afterThis(() => (this.#idle = undefined))
    }
    return this.#idle.sockets?.has(socket)
  }

  /** Takes in who is connected already, as far as Node shows them. */
  async findEarlier(): Promise<void> {
    for (const raw of socketsOf(this.#server)) this.#earlier(raw)
    this.#anyBefore = (await countOf(this.#server)) > 0
  }

  /** Stops accepting, ends everything within the deadline, and says what came of it. Never rejects. */
  async stop(deadline: Deadline): Promise<SupervisedStopReport> {
    this.#deadline = deadline
    const phases = await stopInOrder(this, deadline)
    this.#lastCall?.cancel()
    clearTimer(this.#lingerTimer)
    clearTicker(this.#unseenTicker)
    this.#listeners.removeAll()
    const leftOver = [...this.live.all]
    this.live.all.clear()
    for (const one of leftOver) this.#count(one)
    return {
      accepted: this.#accepted,
      endedBefore: this.#endedBefore,
      drained: this.#drained,
      forced: this.#forced,
      cutOff: [...this.#drained, ...this.#forced].filter(({ cutOffBytes }) => cutOffBytes > 0),
      unsettled: [],
      late: this.#late,
      handshakes: { pending: this.#handshakesCut, failed: this.#handshakesFailed },
      untracked: this.#untracked,
      errors: this.#errors,
      durationMs: phases.quitMs + phases.drainMs + phases.forceMs,
      phases,
    }
  }

  /** Lets go of a server that never came to listen. */
  release(): void {
    this.#listeners.removeAll()
  }

  quit(): void {
    this.#setup.onPhase('quitting')
    // Who comes now must not reach the server, and whoever has been told of a connection cannot be untold.
    this.#restore = this.#listeners.setOthersAside('connection')
    if (this.#anyBefore) {
      void countOf(this.#server).then((count) => {
        this.#untracked = Math.max(0, count - [...this.live.all].filter(({ raw }) => !raw.destroyed).length)
      })
    }
    if (isShared(this.#server)) void this.closeListener() // what comes in this very turn is its siblings' already
    this.#quitting.abort()
    void inSlices(this.live.all, (visit) => visit.tell())
  }

  async acceptBacklog(deadline: Deadline): Promise<void> {
    if (!this.#listenerGone) await acceptBacklog(() => this.#late, deadline)
  }

  closeListener(): Promise<void> {
    const sessions = [...this.live.all].flatMap(({ session }) => session ?? [])
    this.#listenerGone ??= this.#server.listening ? closeListener(this.#server, sessions) : Promise.resolve()
    this.#restore()
    this.#restore = () => {}
    return this.#listenerGone
  }

  interrupt(visit: Visit): void {
    visit.quit()
  }

  force(visit: Visit): void {
    visit.force()
  }

  failed(error: Error): void {
    this.#errors.push(error)
  }

  onPhase(phase: 'draining' | 'forcing'): void {
    this.#setup.onPhase(phase)
    if (phase === 'draining') this.#drain()
    else if (this.#untracked > 0) {
      const forced = inSlices(this.live.all, () => {}) // as long as those that we see take, which are reset
      void forced.then(turn).then(() => closeUnseen(this.#server))
    }
  }

  over(visit: Visit): void {
    if (!this.live.all.has(visit)) return
    this.#visits.delete(visit.raw)
    this.#visits.delete(visit.socket)
    this.#setup.timeline.close(visit.track)
    if (this.quitting) this.#count(visit)
    else this.#endedBefore++
    if (visit.use === 'handshake' && !visit.earlier) {
      if (visit.forced) this.#handshakesCut++
      else this.#handshakesFailed++
    }
    this.live.delete(visit)
  }

  #drain(): void {
    const { lingerMs } = this.#setup
    const { remainingMs } = this.#deadline!
    this.#lastCall = new Deadline(remainingMs - Math.min(LAST_CALL_MS, remainingMs / 4))
    this.#lastCall.onPass(() => void inSlices(this.live.all, (visit) => visit.lastCall()))
    if (this.#anyBefore) this.#unseenTicker = setTicker(() => this.lingering || this.#closeUnseenIdle(), UNSEEN_EVERY_MS)
    if (!this.lingering) return
    this.#lingerTimer = setTimer(() => {
      this.lingering = false
      void inSlices(this.live.all, (visit) => visit.lingerNoLonger())
    }, lingerMs)
  }

  /** Those that we see are ours to end; of TLS we may have seen what is below only. */
  #closeUnseenIdle(): void {
    const idle = idleSocketsOf(this.#server)
    if (!idle) return closeUnseenIdle(this.#server)
    for (const socket of idle) {
      if (this.#visits.has(socket) || responseUnderWay(socket)) continue
      if (this.#visits.has(socketBelow(socket))) this.#visitOn(socket).quit()
      else socket.destroy()
    }
  }

  #connected(raw: Socket): void {
    if (this.quitting) return this.#refuse(raw)
    const { tls, http1, http2 } = this.#setup.speaks
    this.#arriving = this.#visit(raw, tls ? 'handshake' : http2 ? 'http2' : http1 ? 'http1' : 'open')
  }

  #secured(socket: Socket): void {
    this.#arriving = this.#visitOn(socket)
    if (this.quitting) this.#arriving.expect(Math.max(this.#setup.lingerMs, SETTLE_MS))
  }

  #answering(response: ServerResponse): void {
    const { req } = response
    if (req.httpVersionMajor === 1) this.#visitOn(req.socket).answering(response)
  }

  /** The visit of a socket; one that was there before us is met here for the first time. */
  #visitOn(socket: Socket): Visit {
    const known = this.#visits.get(socket)
    if (known) return known
    const { http1, http2 } = this.#setup.speaks
    const protocol = http1 || http2 ? 'http1' : 'open'
    const raw = socketBelow(socket)
    const visit = this.#visits.get(raw) ?? this.#visit(raw, protocol)
    if (raw === socket) return visit
    this.#visits.set(socket, visit)
    visit.secured(socket, protocol)
    return visit
  }

  #visit(raw: Socket, speaks: 'handshake' | 'http1' | 'http2' | 'open', earlier = false): Visit {
    const id = ++this.#accepted
    const track = this.#setup.timeline.open(`${this.#setup.track.name}, connection`, id)
    const visit = new Visit({ id, raw, speaks, track, path: this.path, earlier }, this)
    this.#visits.set(raw, visit)
    this.live.add(visit)
    return visit
  }

  #earlier(raw: Socket): void {
    const { tls, http1, http2 } = this.#setup.speaks
    if (this.#visits.has(raw)) return
    const visit = this.#visit(raw, tls && http1 ? 'handshake' : http2 ? 'http2' : http1 ? 'http1' : 'open', true)
    if (visit.use === 'handshake' || !http1) return // the TLS socket above it is met when it asks
    const response = responseUnderWay(raw)
    if (response) this.#answering(response)
    else if (!stillSpeaksHttp(raw)) visit.upgraded(true)
  }

  #refuse(raw: Socket): void {
    this.#late++
    this.#setup.track.record('late')
    raw.on('error', () => {}) // it is being reset; there is nothing to learn
    nextTurn(() => resetOrDestroy(raw))
  }

  #count(visit: Visit): void {
    ;(visit.forced ? this.#forced : this.#drained).push(visit.record())
  }
}
