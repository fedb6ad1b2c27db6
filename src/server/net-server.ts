import type { Deadline } from '../lifetime/deadline.ts'
import { onAbort } from '../lifetime/on-abort.ts'
import { OneStop } from '../lifetime/one-stop.ts'
import type { WaitOptions } from '../model/client.ts'
import type { Connection, Handler } from '../model/connection.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import { socketPath } from '../model/socket-path.ts'
import type { StopReport } from '../model/stop-report.ts'
import type { Timeline } from '../timeline/timeline.ts'
import { stoppedError } from './arrivals.ts'
import type { GracefulServer, ServerState } from './graceful-server.ts'
import { PortHold } from './port-hold.ts'
import { Run, type RunSetup } from './run.ts'
import { checkStopOptions, DEFAULT_HOST, type ServerOptions, type StopOptions } from './server-options.ts'

/** What a server is made of, beside its options. */
export interface ServerSetup {
  readonly timeline: Timeline
  /** Holds the port whenever it is stopped, until it is disposed of. */
  readonly holdsPort?: boolean
  /** Is told what each run came to. */
  reported?(report: StopReport): void
}

/**
 * See {@link GracefulServer}. The states: starting → listening → quitting → draining → (forcing →) stopped → starting …
 *
 * Starts and stops are words, and the last one wins:
 *
 * 1. A start waits for the stop under way, and then begins a new run. A later start is the same one, until a stop comes.
 * 2. A stop overrules the start before it, which rejects once nothing of it is left.
 * 3. Whether the port is held is said by the last stop.
 */
export class NetServer implements GracefulServer {
  readonly #options: ServerOptions
  readonly #setup: ServerSetup
  readonly #runSetup: RunSetup
  readonly #hold: PortHold
  readonly #stopping = new OneStop<StopReport>()
  #run: Run
  /** The start that nothing has overruled, under way or done. */
  #started: Promise<void> | undefined
  /** Counts starts and stops: a start whose word is not the last one is overruled. */
  #lastWord = 0
  #forgetSignal = (): void => {}

  constructor(handler: Handler, options: ServerOptions, setup: ServerSetup) {
    const { host = DEFAULT_HOST, port = 0, path } = options
    this.#options = options
    this.#setup = setup
    this.#hold = new PortHold(host)
    const { timeline } = setup
    this.#runSetup = { handler, options, hold: this.#hold, timeline, track: timeline.openNumbered('server') }
    this.#run = new Run(this.#runSetup, path === undefined ? { host, port } : { path: socketPath(path, 'path') })
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
    return this.#run.url
  }

  get state(): ServerState {
    return this.#run.state
  }

  get quit(): AbortSignal {
    return this.#run.quitSignal
  }

  get connections(): ReadonlySet<Connection> {
    return this.#run.live.all
  }

  async connectionOf(client: { readonly local: Endpoint }): Promise<Connection> {
    return this.#run.arrivals.of(client, this.url)
  }

  async nextConnection(options: WaitOptions = {}): Promise<Connection> {
    return this.#run.arrivals.next(options, this.url)
  }

  async connectionsReach(count: number, options: WaitOptions = {}): Promise<Connection[]> {
    return this.#run.reach.reaches(count, options, this.url)
  }

  start(): Promise<void> {
    this.#started ??= this.#start(++this.#lastWord)
    return this.#started
  }

  stop(options: StopOptions = {}): Promise<StopReport> {
    try {
      checkStopOptions(options)
    } catch (error) {
      return Promise.reject(error)
    }
    const { graceMs, holdPort = this.#setup.holdsPort ?? false } = options
    const wasStopped = this.state === 'stopped'
    this.#lastWord++
    this.#started = undefined
    if (this.path === undefined) this.#hold.want(holdPort)
    const report = this.#stopRun(graceMs)
    return wasStopped && this.#hold.changing ? this.#onceHeld(report) : report
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop({ holdPort: false })
  }

  get #address(): Endpoint {
    return this.#run.address
  }

  async #start(word: number): Promise<void> {
    const { signal } = this.#options
    if (this.state !== 'stopped') await this.#stopping.report
    if (word !== this.#lastWord) throw stoppedError(this.url)
    if (signal?.aborted) {
      this.#started = undefined
      throw new NetgraceError('ERR_NETGRACE_STOPPED', `cannot start ${this.url}: signal has aborted`, { cause: signal.reason })
    }

    if (this.#stopping.report) {
      this.#stopping.startAgain()
      this.#run = new Run(this.#runSetup, this.#address)
    }
    if (signal) this.#forgetSignal = onAbort(signal, () => void this.stop())
    const run = this.#run
    try {
      await run.listen()
    } catch (error) {
      if (word === this.#lastWord) this.#started = undefined
      if (run === this.#run) await this.#stopRun() // else it is stopped, and a later start has begun
      throw error
    }
  }

  /** Stops the run, unless that is under way or done. */
  #stopRun(graceMs?: number): Promise<StopReport> {
    const run = this.#run
    return this.#stopping.call(graceMs, run.graceMs, async (deadline: Deadline) => {
      const report = await run.stop(deadline)
      this.#forgetSignal()
      this.#setup.reported?.(report)
      return report
    })
  }

  /** A port that was to be held, or let go of, after the report: what goes wrong with that is added to the errors. */
  async #onceHeld(stopped: Promise<StopReport>): Promise<StopReport> {
    const report = await stopped
    const error = await this.#hold.settled()
    return error ? { ...report, errors: [...report.errors, error] } : report
  }
}
