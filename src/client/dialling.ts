import { clearTimer, setTimer } from '../lifetime/timers.ts'
import { describeEnding } from '../model/describe-ending.ts'
import { formatEndpoint, type Endpoint } from '../model/endpoint.ts'
import { ConnectError } from '../model/errors.ts'
import type { Timeline } from '../timeline/timeline.ts'
import type { Detail, Track } from '../timeline/track.ts'
import { dial, type Dialled } from '../wire/dial.ts'
import { NetClient } from './client.ts'
import { DEFAULT_CONNECT_TIMEOUT_MS, type ConnectOptions } from './connect-options.ts'

/** A client on its way to its peer. Its options have been checked. */
export class Dialling {
  /** Resolves once the connection stands. Rejects with a {@link ConnectError} if it does not come to one. */
  readonly client: Promise<NetClient>
  readonly #to: Endpoint
  readonly #options: ConnectOptions
  readonly #timeline: Timeline
  readonly #track: Track
  readonly #dialled: Dialled
  #stands = false

  /** @param by  the line that asked for it, for the record */
  constructor(to: Endpoint, options: ConnectOptions, timeline: Timeline, by?: Detail) {
    this.#to = to
    this.#options = options
    this.#timeline = timeline
    this.#dialled = dial(to, options) // throws for wrong TLS options: then there is no client to tell of
    this.#track = timeline.openNumbered('client')
    this.#track.record('dialling', { toString: () => `${formatEndpoint(to)} ${by?.toString() ?? ''}`.trim() })
    this.client = this.#open()
  }

  /** Dials no longer; one that stands already is not touched. */
  giveUp(intent: 'timeout' | 'closed', cause?: Error): void {
    if (!this.#stands) this.#dialled.giveUp(intent, cause)
  }

  async #open(): Promise<NetClient> {
    const dialled = this.#dialled
    const ms = this.#options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS
    const timer = setTimer(() => dialled.giveUp('timeout', { waitedFor: dialled.stage, ms }), ms)
    this.#stands = await dialled.standing
    clearTimer(timer)
    if (!this.#stands) throw this.#failed()
    const { socket, raw, watch } = dialled
    const [local, peer] = 'path' in this.#to ? [{ path: '' }, this.#to] : []
    return new NetClient({ socket, raw, local, peer, watch, timeline: this.#timeline, track: this.#track }, this.#options)
  }

  #failed(): ConnectError {
    const ending = this.#dialled.watch.ending()
    this.#track.record('ended', describeEnding(ending))
    this.#timeline.close(this.#track)
    return new ConnectError(`could not connect to ${formatEndpoint(this.#to)}: ${describeEnding(ending)}`, ending)
  }
}
