import { setMaxListeners } from 'node:events'
import type { Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'

import type { Deadline } from '../lifetime/deadline.ts'
import { Live } from '../lifetime/live.ts'
import { Reach } from '../lifetime/reach.ts'
import { stopInOrder, type Stoppable } from '../lifetime/stop.ts'
import type { ConnectionRecord, Handler } from '../model/connection.ts'
import { isWildcard, type Endpoint } from '../model/endpoint.ts'
import type { StopReport } from '../model/stop-report.ts'
import type { Timeline } from '../timeline/timeline.ts'
import type { Track } from '../timeline/track.ts'
import { EndingWatch } from '../wire/ending-watch.ts'
import { Listener, type ListenerEvents } from '../wire/listener.ts'
import { Arrivals } from './arrivals.ts'
import { arrange, type Closing } from './closing.ts'
import { serve, type Serving } from './serve.ts'
import { ServerConnection, type ConnectionOwner } from './server-connection.ts'

/** Made once: an error for each run costs as much as all the rest of quitting. */
const QUIT = new DOMException('the server was told to stop', 'AbortError')

/** What a run needs of its server. */
export interface RunSetup {
  readonly handler: Handler
  readonly graceMs: number
  readonly closing?: Closing | undefined
  readonly tls?: TlsOptions | undefined
  readonly timeline: Timeline
  readonly track: Track
  onPhase(phase: 'quitting' | 'draining' | 'forcing'): void
  /** Runs beside the backlog phase, and must be done before the listener closes. */
  beforeClose(): Promise<void>
  /** Runs in the very turn in which the listener has closed. */
  afterClose(): void
}

/**
 * One run of a server, from its first accept to its report.
 *
 * 1. A connection is live from its accept until its socket has closed and its handler has settled.
 * 2. It is counted once as accepted, and once as ended before the stop, drained or forced.
 * 3. After quit nothing is given to a handler.
 */
export class Run implements Stoppable<ServerConnection>, ListenerEvents, ConnectionOwner, Serving {
  readonly live: Live<ServerConnection> = new Live()
  readonly arrivals: Arrivals = new Arrivals(this.live.all)
  readonly reach: Reach<ServerConnection> = new Reach(this.live, 'connections')
  readonly listener: Listener
  readonly quitSignal: AbortSignal
  readonly graceMs: number
  readonly #setup: RunSetup
  readonly #name: string
  /** Where each connection ends here, if that is the same for all. */
  #local: Endpoint | undefined
  #peer: Endpoint | undefined
  readonly #quitting = new AbortController()
  #accepted = 0
  #endedBefore = 0
  #lateCount = 0
  #reported = false
  readonly #drained: ConnectionRecord[] = []
  readonly #forced: ConnectionRecord[] = []
  readonly #errors: Error[] = []

  constructor(setup: RunSetup) {
    this.#setup = setup
    this.graceMs = setup.graceMs
    this.listener = new Listener(this, setup.tls, { timeline: setup.timeline, of: setup.track.name })
    this.quitSignal = this.#quitting.signal
    this.#name = `${setup.track.name}, connection`
    setMaxListeners(0, this.quitSignal) // every handler may listen
  }

  /** Stops accepting, ends everything within the deadline, and says what came of it. Never rejects. */
  async stop(deadline: Deadline): Promise<StopReport> {
    const phases = await stopInOrder(this, deadline)
    this.#reported = true
    const leftOver = [...this.live.all]
    this.live.all.clear()
    const unsettled = leftOver.filter((one) => one.handler === 'pending').map((one) => this.#count(one))
    for (const one of leftOver) if (one.handler !== 'pending') this.#count(one)
    return {
      accepted: this.#accepted,
      endedBefore: this.#endedBefore,
      drained: this.#drained,
      forced: this.#forced,
      unsettled,
      late: this.#lateCount,
      handshakes: this.listener.handshakes,
      errors: this.#errors,
      durationMs: phases.quitMs + phases.drainMs + phases.forceMs,
      phases,
    }
  }

  /** Begins. Rejects as {@link Listener.listen} does. */
  async listen(address: Endpoint): Promise<Endpoint> {
    const where = await this.listener.listen(address)
    if ('path' in where) this.#peer = { path: '' }
    if ('path' in where || !isWildcard(where)) this.#local = where
    return where
  }

  accepted(socket: Socket, raw: Socket): void {
    const { timeline, closing, handler } = this.#setup
    const id = ++this.#accepted
    const watch = new EndingWatch(socket, 'open', raw)
    const parts = { socket, raw, local: this.#local, peer: this.#peer, watch, timeline, track: timeline.open(this.#name, id) }
    const connection = new ServerConnection(parts, id, this)
    this.live.add(connection)
    if (closing?.how === 'never') connection.unanswering = true
    serve(connection, handler, this)
    if (closing) arrange(connection, closing, this.graceMs)
    this.arrivals.arrived(connection)
  }

  late(): void {
    this.#lateCount++
    this.#setup.track.record('late')
  }

  failed(error: Error): void {
    this.#errors.push(error)
  }

  handlerDone(connection: ServerConnection, error?: Error): void {
    if (error && !this.#reported) this.#errors.push(error)
    this.#overNow(connection)
  }

  socketClosed(connection: ServerConnection): void {
    this.#overNow(connection)
  }

  quit(): void {
    this.#setup.onPhase('quitting')
    this.listener.quit()
    this.#quitting.abort(QUIT)
  }

  async acceptBacklog(deadline: Deadline): Promise<void> {
    await Promise.all([this.listener.acceptBacklog(deadline), this.#setup.beforeClose()])
  }

  closeListener(): Promise<void> {
    const gone = this.listener.close()
    this.#setup.afterClose()
    return gone
  }

  interrupt(connection: ServerConnection): void {
    connection.quitNow(this.graceMs)
  }

  force(connection: ServerConnection): void {
    try {
      connection.forceNow()
    } catch (error) {
      connection.socket.destroy() // no reset, but gone
      throw error
    }
  }

  onPhase(phase: 'draining' | 'forcing'): void {
    if (phase === 'forcing') this.listener.cutHandshakes()
    this.#setup.onPhase(phase)
  }

  #overNow(connection: ServerConnection): void {
    if (!connection.over || !this.live.all.has(connection)) return
    this.arrivals.ended(connection)
    if (this.quitSignal.aborted) this.#count(connection)
    else this.#endedBefore++
    this.live.delete(connection)
  }

  #count(connection: ServerConnection): ConnectionRecord {
    const record = connection.record()
    ;(connection.forced ? this.#forced : this.#drained).push(record)
    return record
  }
}
