import type { Deadline } from '../lifetime/deadline.ts'
import { onAbort } from '../lifetime/on-abort.ts'
import { OneStop } from '../lifetime/one-stop.ts'
import type { WaitOptions } from '../model/client.ts'
import type { Connection, Handler } from '../model/connection.ts'
import { formatEndpoint, type Endpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import { socketPath } from '../model/socket-path.ts'
import type { StopReport } from '../model/stop-report.ts'
import type { Timeline } from '../timeline/timeline.ts'
import type { Track } from '../timeline/track.ts'
import { HeldPort } from '../wire/held-port.ts'
import { stoppedError } from './arrivals.ts'
import type { GracefulServer, ServerState } from './graceful-server.ts'
import { Run } from './run.ts'
import { checkStopOptions, DEFAULT_GRACE_MS, DEFAULT_HOST, type ServerOptions, type StopOptions } from './server-options.ts'

/** What a server is made of, beside its options. */
export interface ServerSetup {
  readonly timeline: Timeline
  /** Holds the port whenever it is stopped, until it is disposed of. */
  readonly holdsPort?: boolean
  /** Is told what each run came to. */
  reported?(report: StopReport): void
}

/** See {@link GracefulServer}. The states: starting → listening → quitting → draining → (forcing →) stopped → starting … */
export class NetServer implements GracefulServer {
  readonly #options: ServerOptions
  readonly #setup: ServerSetup
  readonly #track: Track
  readonly #stopping = new OneStop<StopReport>()
  readonly #handler: Handler
  #address: Endpoint
  #state: ServerState = 'stopped'
  #run: Run
  #starting: Promise<void> | undefined
  #forgetSignal = (): void => {}
  #wanted: 'listening' | 'stopped' = 'listening'
  #held: HeldPort | undefined
  #holding: Promise<unknown> | undefined

  constructor(handler: Handler, options: ServerOptions, setup: ServerSetup) {
    this.#handler = handler
    this.#options = options
    this.#setup = setup
    const { host = DEFAULT_HOST, port = 0, path } = options
    this.#address = path === undefined ? { host, port } : { path: socketPath(path, 'path') }
    this.#track = setup.timeline.openNumbered('server')
    this.#run = this.#newRun()
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
    const scheme = this.#options.tls ? 'tls' : 'tcp'
    return 'path' in this.#address ? formatEndpoint(this.#address) : `${scheme}://${formatEndpoint(this.#address)}`
  }

  get state(): ServerState {
    return this.#state
  }

  get quit(): AbortSignal {
    return this.#run.quitSignal
  }

  get connections(): ReadonlySet<Connection> {
    return this.#run.live.all
  }

  connectionOf(client: { readonly local: Endpoint }): Promise<Connection> {
    return this.#run.arrivals.of(client.local, this.url)
  }

  async nextConnection(options: WaitOptions = {}): Promise<Connection> {
    return this.#run.arrivals.next(options, this.url)
  }

  async connectionsReach(count: number, options: WaitOptions = {}): Promise<Connection[]> {
    return this.#run.reach.reaches(count, options, this.url)
  }

  start(): Promise<void> {
    this.#wanted = 'listening'
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined
    })
    return this.#starting
  }

  stop(options: StopOptions = {}): Promise<StopReport> {
    try {
      checkStopOptions(options)
    } catch (error) {
      return Promise.reject(error)
    }
    this.#wanted = 'stopped'
    const { graceMs, holdPort = this.#setup.holdsPort ?? false } = options
    if (this.#state === 'stopped' && !holdPort) void this.#release()
    return this.#stopping.call(graceMs, this.#graceMs, (deadline) => {
      if (holdPort && this.path === undefined) this.#held = new HeldPort(this.host)
      return this.#stop(this.#run, deadline)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop({ holdPort: false })
    await this.#release()
  }

  get #graceMs(): number {
    return this.#options.graceMs ?? DEFAULT_GRACE_MS
  }

  async #start(): Promise<void> {
    if (this.#state === 'listening') return
    if (this.#state !== 'stopped') await this.#stopping.report
    const { signal } = this.#options
    if (signal?.aborted)
      throw new NetgraceError('ERR_NETGRACE_STOPPED', `cannot start ${this.url}: signal has aborted`, { cause: signal.reason })
    if (this.#wanted === 'stopped') throw stoppedError(this.url)

    this.#state = 'starting'
    if (this.#stopping.report) {
      this.#stopping.startAgain()
      this.#run = this.#newRun()
    }
    if (signal) this.#forgetSignal = onAbort(signal, () => void this.stop())
    const released = this.#release()
    try {
      this.#address = await this.#run.listen(this.#address)
      await released
    } catch (error) {
      await this.stop({ holdPort: false })
      throw error
    }
    if (this.quit.aborted) {
      await this.stop({ holdPort: false })
      throw stoppedError(this.url)
    }
    this.#state = 'listening'
    this.#track.record('listening', this.url)
  }

  async #stop(run: Run, deadline: Deadline): Promise<StopReport> {
    const report = await run.stop(deadline)
    await this.#holding?.catch((error: Error) =>
      run.failed(new NetgraceError('ERR_NETGRACE_LISTEN', `could not hold ${this.url}: ${error.message}`, { cause: error })),
    )
    this.#forgetSignal()
    this.#state = 'stopped'
    this.#track.record(
      'stopped',
      `accepted ${report.accepted}, drained ${report.drained.length}, forced ${report.forced.length}, late ${report.late}`,
    )
    this.#setup.reported?.(report)
    return report
  }

  #newRun(): Run {
    return new Run({
      handler: this.#handler,
      graceMs: this.#graceMs,
      closing: this.#options.closing,
      tls: this.#options.tls,
      timeline: this.#setup.timeline,
      track: this.#track,
      onPhase: (phase) => {
        this.#state = phase
        this.#track.record(phase)
        if (phase !== 'quitting') return
        for (const waits of [this.#run.arrivals, this.#run.reach]) waits.close(() => stoppedError(this.url))
      },
      beforeClose: async () => this.#held?.ready(),
      afterClose: () => {
        this.#holding = this.#held?.hold({ host: this.host, port: this.port })
      },
    })
  }

  async #release(): Promise<void> {
    const held = this.#held
    this.#held = undefined
    this.#holding = undefined
    await held?.release()
  }
}
