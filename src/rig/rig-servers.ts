import type { Deadline } from '../lifetime/deadline.ts'
import { sameEndpoint, type Endpoint } from '../model/endpoint.ts'
import type { StopReport } from '../model/stop-report.ts'
import { ForcedConnectionError, unsettledError } from './forced.ts'

/** A server as its rig sees it: of its own, or of the user's and supervised. */
export interface AnyServer extends AsyncDisposable {
  readonly url: string
  readonly quit: AbortSignal
  stop(options: { readonly graceMs: number }): Promise<StopReport>
}

/** A server of a rig's, with what its stops came to. */
export class RigServer<S extends AnyServer> {
  readonly server: S
  readonly #reports: readonly StopReport[]
  readonly #allowForced: boolean

  private constructor(server: S, reports: readonly StopReport[], allowForced: boolean) {
    this.server = server
    this.#reports = reports
    this.#allowForced = allowForced
  }

  /** @param open  Is given who wants to hear of each stop. */
  static async open<S extends AnyServer>(
    allowForced: boolean,
    open: (reported: (report: StopReport) => void) => Promise<S>,
  ): Promise<RigServer<S>> {
    const reports: StopReport[] = []
    return new RigServer(await open((report) => reports.push(report)), reports, allowForced)
  }

  /**
   * Takes it down, and gives what fails the test: all that handlers threw, in whichever run; and, of a stop that the
   * test has not called itself, handlers that never settled, and connections that were cut although their client is not ours.
   */
  async close(deadline: Deadline, isOwnClient: (peer: Endpoint) => boolean): Promise<Error[]> {
    const { server } = this
    const stopped = server.quit.aborted // then the test called it, and has its report
    const report = await server.stop({ graceMs: deadline.remainingMs })
    await server[Symbol.asyncDispose]()
    const errors = this.#reports.flatMap((one) => one.errors)
    if (stopped) return errors
    const forced = this.#allowForced ? [] : report.forced.filter((one) => !isOwnClient(one.peer))
    if (forced.length > 0) errors.push(new ForcedConnectionError(forced, server.url))
    if (report.unsettled.length > 0) errors.push(unsettledError(report.unsettled, server.url))
    return errors
  }
}

/** Whether `endpoint` is one of `ours`. */
export function isOneOf(ours: readonly Endpoint[], endpoint: Endpoint): boolean {
  return ours.some((one) => sameEndpoint(one, endpoint))
}
