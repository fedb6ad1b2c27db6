import { setMaxListeners } from 'node:events'
import type { Socket } from 'node:net'

import { abortError, AbortController } from '../lifetime/realm.ts'
import type { Deadline } from '../lifetime/deadline.ts'
import { Live } from '../lifetime/live.ts'
import { Reach } from '../lifetime/reach.ts'
import { stopInOrder, type Stoppable } from '../lifetime/stop.ts'
import type { ConnectionRecord, Handler } from '../model/connection.ts'
import { formatEndpoint, isWildcard, type Endpoint } from '../model/endpoint.ts'
import type { StopReport } from '../model/stop-report.ts'
import type { Timeline } from '../timeline/timeline.ts'
import type { Track } from '../timeline/track.ts'
import { EndingWatch } from '../wire/ending-watch.ts'
import { Listener, type ListenerEvents } from '../wire/listener.ts'
import { Arrivals, stoppedError } from './arrivals.ts'
import type { Closing } from './closing.ts'
import type { ServerState } from './graceful-server.ts'
import type { PortHold } from './port-hold.ts'
import { serve, type Serving } from './serve.ts'
import { ServerConnection, type ConnectionOwner } from './server-connection.ts'
import { DEFAULT_GRACE_MS, type ServerOptions } from './server-options.ts'

/** Made once: an error for each run costs as much as all the rest of quitting. */
const QUIT = abortError('the server was told to stop')

/** What all runs of a server share. */
export interface RunSetup {
  readonly handler: Handler
  readonly options: ServerOptions
  readonly hold: PortHold
  readonly timeline: Timeline
  readonly track: Track
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
  readonly arrivals: Arrivals = new Arrivals()
  readonly reach: Reach<ServerConnection> = new Reach(this.live, 'connections')
  readonly quitSignal: AbortSignal
  readonly graceMs: number
  readonly closing: Closing | undefined
  readonly #setup: RunSetup
  readonly #listener: Listener
  readonly #name: string
  #address: Endpoint
  #state: ServerState = 'stopped'
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

  /** @param address  Where it is to listen. */
  constructor(setup: RunSetup, address: Endpoint) {
    this.#setup = setup
    this.#address = address
    this.graceMs = setup.options.graceMs ?? DEFAULT_GRACE_MS
    this.closing = setup.options.closing
    this.#listener = new Listener(this, setup.options.tls, { timeline: setup.timeline, of: setup.track.name })
    this.quitSignal = this.#quitting.signal
    this.#name = `${setup.track.name}, connection`
    setMaxListeners(0, this.quitSignal) // every handler may listen
  }

  /** Where it listens; until it does, where it was told to. */
  get address(): Endpoint {
    return this.#address
  }

  get url(): string {
    const where = formatEndpoint(this.#address)
    return 'path' in this.#address ? where : `${this.#setup.options.tls ? 'tls' : 'tcp'}://${where}`
  }

  get state(): ServerState {
    return this.#state
  }

  /** Takes its port back and begins. Rejects as {@link Listener.listen} does, and with `ERR_NETGRACE_STOPPED` if it was stopped meanwhile. */
  async listen(): Promise<void> {
    this.#state = 'starting'
    this.#setup.hold.giveBack()
    const address = await this.#listener.listen(this.#address)
    if (this.quitSignal.aborted) throw stoppedError(this.url)
    this.#address = address
    if ('path' in address) this.#peer = { path: '' }
    if ('path' in address || !isWildcard(address)) this.#local = address
    await this.#setup.hold.settled()
    if (this.quitSignal.aborted) throw stoppedError(this.url)
    this.#state = 'listening'
    this.#setup.track.record('listening', this.url)
  }

  /** Stops accepting, ends everything within the deadline, and says what came of it. Never rejects. */
  async stop(deadline: Deadline): Promise<StopReport> {
    const phases = await stopInOrder(this, deadline)
    const notHeld = await this.#setup.hold.settled()
    if (notHeld) this.failed(notHeld)
    this.#reported = true
    const leftOver = [...this.live.all]
    this.live.all.clear()
    const unsettled = leftOver.filter((one) => one.handler === 'pending').map((one) => this.#count(one))
    for (const one of leftOver) if (one.handler !== 'pending') this.#count(one)
    this.#state = 'stopped'
    const [accepted, endedBefore, drained, forced, late] = [this.#accepted, this.#endedBefore, this.#drained, this.#forced, this.#lateCount]
    this.#setup.track.record('stopped', `accepted ${accepted}, drained ${drained.length}, forced ${forced.length}, late ${late}`)
    const durationMs = phases.quitMs + phases.drainMs + phases.forceMs
    const { handshakes } = this.#listener
    return { accepted, endedBefore, drained, forced, unsettled, late, handshakes, errors: this.#errors, durationMs, phases }
  }

  accepted(socket: Socket, raw: Socket): void {
    const { timeline, handler } = this.#setup
    const id = ++this.#accepted
    const watch = new EndingWatch(socket, 'open', raw)
    const parts = { socket, raw, local: this.#local, peer: this.#peer, watch, timeline, track: timeline.open(this.#name, id) }
    const connection = new ServerConnection(parts, id, this)
    this.live.add(connection)
    serve(connection, handler, this)
    if (this.closing) connection.arm(this.closing)
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
    if (error) this.#setup.timeline.failed(`${this.#name} #${connection.id}`, error)
    if (error && !this.#reported) this.#errors.push(error) // its report is its caller's
    this.#overNow(connection)
  }

  socketClosed(connection: ServerConnection): void {
    this.#overNow(connection)
  }

  quit(): void {
    this.#enter('quitting')
    for (const waits of [this.arrivals, this.reach]) waits.close(() => stoppedError(this.url))
    this.#listener.quit()
    this.#quitting.abort(QUIT)
  }

  async acceptBacklog(deadline: Deadline): Promise<void> {
    await Promise.all([this.#listener.acceptBacklog(deadline), this.#setup.hold.ready()])
  }

  closeListener(): Promise<void> {
    const gone = this.#listener.close()
    if (!('path' in this.#address)) this.#setup.hold.freed(this.#address)
    return gone
  }

  interrupt(connection: ServerConnection): void {
    connection.quitNow()
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
    this.#enter(phase)
    if (phase === 'forcing') this.#listener.cutHandshakes()
  }

  #enter(phase: 'quitting' | 'draining' | 'forcing'): void {
    this.#state = phase
    this.#setup.track.record(phase)
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
