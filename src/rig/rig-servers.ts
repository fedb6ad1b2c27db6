import type { Socket } from 'node:net'

import type { Deadline } from '../lifetime/deadline.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { StopReport } from '../model/stop-report.ts'
import type { CallSite } from '../timeline/call-site.ts'
import { now } from '../timeline/clock.ts'
import { foreignOf, judge, wasCut, weEnded, type ForeignRules } from './foreign.ts'
import { handshakeError, unsettledError, type NamedPart } from './forced.ts'
import type { OwnEnds } from './own-ends.ts'

/** A server as its rig sees it: of its own, or of the user's and supervised. */
export interface AnyServer extends AsyncDisposable {
  readonly url: string
  readonly path: string | undefined
  readonly quit: AbortSignal
  readonly connections: ReadonlySet<AnyConnection>
  stop(options: { readonly graceMs: number; readonly holdPort?: false }): Promise<StopReport>
}

interface AnyConnection {
  readonly id: number
  readonly peer: Endpoint
  readonly socket: Socket
  /** How its handler stands; not of supervised ones. */
  readonly handler?: string
  resume?(): void
}

export interface RigServerSetup extends ForeignRules {
  /** Of ours: it can hold a port. */
  readonly holdsPort: boolean
  /** It ends its connections by itself, for the sake of its clients: these are not judged. */
  readonly endsConnections: boolean
  readonly site: CallSite
  readonly note: (text: string) => void
}

/** A server of a rig's, and what its handlers threw. */
export class RigServer<S extends AnyServer> {
  readonly server: S
  readonly #errors: readonly Error[]
  readonly #setup: RigServerSetup

  /** @param errors  What its handlers have thrown, in whichever run. */
  constructor(server: S, errors: readonly Error[], setup: RigServerSetup) {
    this.server = server
    this.#errors = errors
    this.#setup = setup
  }

  /** For an error that names it. */
  get name(): string {
    const { url, opened } = this.#named
    return `the server on ${url}${opened && ` (opened ${opened})`}`
  }

  /**
   * The test is over: what nobody reads is dropped, so that a peer that has closed is seen to have. A handler that has not
   * settled may still read; the stop interrupts it.
   */
  readToEnd(): void {
    for (const connection of this.server.connections) if (connection.handler === 'settled') connection.resume?.()
  }

  /**
   * Takes it down, and gives what fails the test: all that handlers threw, in whichever run; and, of a stop that the test has not
   * called itself, handlers that never settled, and connections of foreign clients, see {@link judge}.
   */
  async close(deadline: Deadline, own: OwnEnds): Promise<Error[]> {
    const { server } = this
    const stopped = server.quit.aborted // then the test called it, and has its report
    const open = new Set([...server.connections].filter(({ socket }) => !socket.writableEnded).map(({ id }) => id))
    const sinceMs = now()
    const report = await server.stop({ graceMs: deadline.remainingMs, ...(this.#setup.holdsPort && { holdPort: false }) })
    await server[Symbol.asyncDispose]()
    return stopped ? [...this.#errors] : [...this.#errors, ...this.#judge(report, open, own, sinceMs)]
  }

  #judge(report: StopReport, open: ReadonlySet<number>, own: OwnEnds, sinceMs: number): Error[] {
    const { site, note, endsConnections } = this.#setup
    const errors: Error[] = []
    if (!endsConnections) {
      const foreign = foreignOf([...report.drained, ...report.forced], own, sinceMs, this.server.path)
      const cut = foreign.filter((one) => report.forced.includes(one) || wasCut(one.ending))
      const answered = foreign.filter((one) => !cut.includes(one) && open.has(one.id) && weEnded(one.ending))
      errors.push(...judge({ cut, answered }, this.#named, this.#setup, note))
      const { pending } = report.handshakes
      if (pending > 0 && !this.#setup.allowForced) errors.push(handshakeError(pending, this.#named))
    }
    if (report.unsettled.length > 0) errors.push(unsettledError(report.unsettled, this.#named))
    return errors.map((error) => site.blame(error))
  }

  get #named(): NamedPart {
    return { url: this.server.url, opened: this.#setup.site.toString() }
  }
}
