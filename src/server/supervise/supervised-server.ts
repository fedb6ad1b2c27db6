import type { Deadline } from '../../lifetime/deadline.ts'
import { onAbort } from '../../lifetime/on-abort.ts'
import { OneStop } from '../../lifetime/one-stop.ts'
import type { WaitOptions } from '../../model/client.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { NetgraceError } from '../../model/errors.ts'
import type { Timeline } from '../../timeline/timeline.ts'
import type { Track } from '../../timeline/track.ts'
import { stoppedError } from '../arrivals.ts'
import type { ServerState } from '../graceful-server.ts'
import { DEFAULT_GRACE_MS } from '../server-options.ts'
import { addressOf, urlOf, whatItSpeaks, type ForeignServer, type Speaks } from './foreign-server.ts'
import { comesToListen } from './listening.ts'
import { checkSupervisedStopOptions, type SuperviseOptions, type SupervisedStopOptions } from './supervise-options.ts'
import type { SupervisedConnection } from './supervised-connection.ts'
import { Supervision, type SupervisedStopReport } from './supervision.ts'

/**
 * A server of the user's, with an end: it stops in the same order as our own, within its grace, with every connection accounted for.
 *
 * Its owner ends it with `stop()`, `await using`, or by aborting `signal`; a rig does it for its own. The server itself
 * stays the user's: it can be listened to, and closed, as before.
 */
export interface SupervisedServer extends AsyncDisposable {
  /** Empty on a unix socket. */
  readonly host: string
  /** 0 on a unix socket. */
  readonly port: number
  /** The path of a unix socket, if it listens there. */
  readonly path: string | undefined
  /** `http://HOST:PORT`, `https://…`, `tcp://…`, `tls://…` or `unix:PATH`. Where it listens on all addresses, that is loopback. */
  readonly url: string
  /** The authority, as PEM, that a client has to trust: of a server that `rig.http(listener, { tls: true })` made, and of no other. */
  readonly ca: string | undefined
  /** `stopped` also while the server is closed by its user. */
  readonly state: ServerState
  /** Aborts when it is told to stop. Who listens can say goodbye on upgraded connections, which get their FIN a turn later. */
  readonly quit: AbortSignal
  /** The live ones, to look at: each from its accept until its socket has closed. Empty once stopped. */
  readonly connections: ReadonlySet<SupervisedConnection>
  /**
   * The live connections, oldest first, once `count` of them are live at once; at once if they are now. Every connection in
   * {@link connections} counts, from its accept until its socket has closed. One that ends before the others come does not.
   * @param count  An integer ≥ 1.
   * @param options.withinMs  Default {@link DEFAULT_REACH_WITHIN_MS}.
   * @throws {NetgraceError} `ERR_NETGRACE_TIMEOUT`: too few came within `withinMs`, the message says how many; `ERR_NETGRACE_STOPPED`: the server stopped first.
   */
  connectionsReach(count: number, options?: WaitOptions): Promise<SupervisedConnection[]>
  /**
   * Stops: quit, then the backlog, the listener, the draining, the forcing, the report. Never rejects, and takes the
   * grace and half a second at most. A later call gives the same promise, and can only bring the deadline forward.
   */
  stop(options?: SupervisedStopOptions): Promise<SupervisedStopReport>
}

/** What supervising is done with, beside its options. */
export interface SuperviseSetup {
  readonly timeline: Timeline
  /** See {@link SupervisedServer.ca}. */
  readonly ca?: string
  /** Is told what the stop came to. */
  reported?(report: SupervisedStopReport): void
}

/** See {@link SupervisedServer}. */
export class ForeignServerKeeper implements SupervisedServer {
  readonly #server: ForeignServer
  readonly #options: SuperviseOptions
  readonly #setup: SuperviseSetup
  readonly #speaks: Speaks
  readonly #track: Track
  readonly #supervision: Supervision
  #address: Endpoint = { host: '', port: 0 }
  #state: ServerState = 'starting'
  readonly #stopping = new OneStop<SupervisedStopReport>()
  #forgetSignal = (): void => {}

  constructor(server: ForeignServer, options: SuperviseOptions, setup: SuperviseSetup) {
    this.#server = server
    this.#options = options
    this.#setup = setup
    this.#speaks = whatItSpeaks(server)
    this.#track = setup.timeline.openNumbered('server')
    this.#supervision = new Supervision(server, {
      speaks: this.#speaks,
      lingerMs: options.idle?.lingerMs ?? 0,
      timeline: setup.timeline,
      track: this.#track,
      onPhase: (phase) => {
        this.#state = phase
        this.#track.record(phase)
      },
    })
  }

  get host(): string {
    return 'path' in this.#address ? '' : this.#address.host
  }

  get port(): number {
    return 'path' in this.#address ? 0 : this.#address.port
  }

  get path(): string | undefined {
    return 'path' in this.#address ? this.#address.path : undefined
  }

  get url(): string {
    return urlOf(this.#address, this.#speaks)
  }

  get ca(): string | undefined {
    return this.#setup.ca
  }

  get state(): ServerState {
    return this.#state === 'listening' && !this.#server.listening ? 'stopped' : this.#state
  }

  get quit(): AbortSignal {
    return this.#supervision.quitSignal
  }

  get connections(): ReadonlySet<SupervisedConnection> {
    return this.#supervision.live.all
  }

  async connectionsReach(count: number, options: WaitOptions = {}): Promise<SupervisedConnection[]> {
    return this.#supervision.reach.reaches(count, options, this.url)
  }

  /** Begins: it listens afterwards, whoever had it do so. Rejects with what listening came to; then nothing of ours is left. */
  async start(): Promise<void> {
    try {
      await (this.#server.listening ? this.#supervision.findEarlier() : comesToListen(this.#server))
      if (!this.#server.listening) {
        throw new NetgraceError('ERR_NETGRACE_STOPPED', 'the server to supervise was closed before it listened')
      }
    } catch (error) {
      this.#supervision.release()
      this.#state = 'stopped'
      throw error
    }
    this.#address = addressOf(this.#server)
    this.#supervision.path = this.path
    this.#state = 'listening'
    this.#track.record('listening', this.url)
    const { signal } = this.#options
    if (signal) this.#forgetSignal = onAbort(signal, () => void this.stop())
  }

  stop(options: SupervisedStopOptions = {}): Promise<SupervisedStopReport> {
    try {
      checkSupervisedStopOptions(options)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#stopping.call(options.graceMs, this.#options.graceMs ?? DEFAULT_GRACE_MS, (deadline) => this.#stop(deadline))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(deadline: Deadline): Promise<SupervisedStopReport> {
    this.#supervision.reach.close(() => stoppedError(this.url))
    const report = await this.#supervision.stop(deadline)
    this.#forgetSignal()
    this.#state = 'stopped'
    const { accepted, drained, forced, late, untracked, cutOff } = report
    const unseen = untracked > 0 ? `, untracked ${untracked}` : ''
    const lost = cutOff.length > 0 ? `, cut off ${cutOff.length}` : ''
    this.#track.record('stopped', `accepted ${accepted}, drained ${drained.length}, forced ${forced.length}, late ${late}${unseen}${lost}`)
    this.#setup.reported?.(report)
    return report
  }
}
