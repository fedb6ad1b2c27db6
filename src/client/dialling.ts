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
    this.#track = timeline.openNumbered('client')
    this.#track.record('dialling', { toString: () => `${formatEndpoint(to)} ${by?.toString() ?? ''}`.trim() })
    this.#dialled = dial(to, options)
    this.client = this.#open()
  }

  /** Dials no longer; one that stands already is not touched. */
  giveUp(intent: 'timeout' | 'closed', cause?: Error): void {
    const { socket, watch } = this.#dialled
    if (!this.#stands && watch.intend(intent, cause)) socket.destroy()
  }

  async #open(): Promise<NetClient> {
    const { socket, raw, watch, standing } = this.#dialled
    const timer = setTimer(() => this.giveUp('timeout'), this.#options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS)
    this.#stands = await standing
    clearTimer(timer)
    if (!this.#stands) throw this.#failed()
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
