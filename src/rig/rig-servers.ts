import { sameEndpoint, type Endpoint } from '../model/endpoint.ts'
import type { Handler } from '../model/connection.ts'
import type { StopReport } from '../model/stop-report.ts'
import type { Deadline } from '../lifetime/deadline.ts'
import type { NetServer } from '../server/net-server.ts'
import { openServer } from '../server/start-server.ts'
import type { Timeline } from '../timeline/timeline.ts'
import { ForcedConnectionError, unsettledError } from './forced.ts'
import type { RigServerOptions } from './rig-options.ts'

/** A server of a rig's, with what its stops came to. */
export class RigServer {
  readonly server: NetServer
  readonly #reports: readonly StopReport[]
  readonly #allowForced: boolean

  private constructor(server: NetServer, reports: readonly StopReport[], allowForced: boolean) {
    this.server = server
    this.#reports = reports
    this.#allowForced = allowForced
  }

  static async open(handler: Handler, { allowForced = false, ...options }: RigServerOptions, timeline: Timeline): Promise<RigServer> {
    const reports: StopReport[] = []
    const server = await openServer(handler, options, { timeline, holdsPort: true, reported: (report) => reports.push(report) })
    return new RigServer(server, reports, allowForced)
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
