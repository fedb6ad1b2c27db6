import { setMaxListeners } from 'node:events'
import type { RemoteInfo, Socket } from 'node:dgram'

import { AbortController } from '../../lifetime/realm.ts'
import type { Deadline } from '../../lifetime/deadline.ts'
import { Live } from '../../lifetime/live.ts'
import { onAbort } from '../../lifetime/on-abort.ts'
import { OneStop } from '../../lifetime/one-stop.ts'
import { turn } from '../../lifetime/timers.ts'
import { formatEndpoint } from '../../model/endpoint.ts'
import { checkOptions, duration } from '../../model/options.ts'
import { now } from '../../timeline/clock.ts'
import type { Timeline } from '../../timeline/timeline.ts'
import type { Track } from '../../timeline/track.ts'
import { closeUdp, whenClosed } from '../../wire/udp.ts'
import { DEFAULT_GRACE_MS } from '../server-options.ts'

/** How many turns without a datagram mean that the kernel holds none. */
const IDLE_TURNS = 2

/** What a UDP server came to. A datagram has no connection: there is nothing to drain but answers on their way. */
export interface UdpStopReport {
  readonly received: number
  readonly answered: number
  readonly bytesReceived: number
  readonly bytesSent: number
  /** How many addresses datagrams came from; at most {@link MAX_PEERS} are told apart. */
  readonly peers: number
  /** What went wrong when answering. */
  readonly errors: readonly Error[]
  readonly durationMs: number
}

/** So many peers are told apart. */
export const MAX_PEERS = 65_536

/** A UDP server that always stops. Its owner ends it with `stop()`, `await using`, or by aborting `signal`; a rig does it for its own. */
export interface UdpServer extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** `udp://HOST:PORT` */
  readonly url: string
  readonly state: 'listening' | 'quitting' | 'stopped'
  readonly quit: AbortSignal
  /**
   * Answers what has arrived, waits until the answers are out, and closes the socket. Never rejects. A later call gives
   * the same promise, and can only bring the deadline forward.
   */
  stop(options?: { readonly graceMs?: number | undefined }): Promise<UdpStopReport>
}

/** See {@link UdpServer}: it sends every datagram back to where it came from. */
export class UdpEcho implements UdpServer {
  readonly host: string
  readonly port: number
  readonly #socket: Socket
  readonly #track: Track
  readonly #timeline: Timeline
  readonly #graceMs: number
  readonly #quitting = new AbortController()
  readonly #answering = new Live<object>()
  readonly #peers = new Set<string>()
  readonly #errors: Error[] = []
  readonly #stopping = new OneStop<UdpStopReport>()
  #forgetSignal = (): void => {}
  #received = 0
  #answered = 0
  #bytesReceived = 0
  #bytesSent = 0
  #stopped = false

  constructor(
    socket: Socket,
    timeline: Timeline,
    options: { readonly graceMs?: number | undefined; readonly signal?: AbortSignal | undefined },
  ) {
    const { address, port } = socket.address()
    this.host = address
    this.port = port
    this.#socket = socket
    this.#timeline = timeline
    this.#track = timeline.openNumbered('server')
    this.#graceMs = options.graceMs ?? DEFAULT_GRACE_MS
    setMaxListeners(0, this.quit)
    socket.on('message', this.#onMessage)
    socket.on('error', (error) => this.#errors.push(error))
    this.#track.record('listening', this.url)
    void whenClosed(socket).then(() => this.stop()) // whoever closed it
    if (options.signal) this.#forgetSignal = onAbort(options.signal, () => void this.stop())
  }

  get url(): string {
    return `udp://${formatEndpoint(this)}`
  }

  get state(): 'listening' | 'quitting' | 'stopped' {
    if (this.#stopped) return 'stopped'
    return this.quit.aborted ? 'quitting' : 'listening'
  }

  get quit(): AbortSignal {
    return this.#quitting.signal
  }

  stop(options: { readonly graceMs?: number | undefined } = {}): Promise<UdpStopReport> {
    try {
      checkOptions(options, { graceMs: duration })
    } catch (error) {
      return Promise.reject(error)
    }
    const { graceMs } = options
    return this.#stopping.call(graceMs, this.#graceMs, (deadline) => this.#stop(deadline))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(deadline: Deadline): Promise<UdpStopReport> {
    const startedAtMs = now()
    this.#track.record('quitting')
    this.#quitting.abort()
    for (let idle = 0; idle < IDLE_TURNS && !deadline.passed;) {
      const before = this.#received
      await turn()
      idle = this.#received === before ? idle + 1 : 0
    }
    this.#socket.off('message', this.#onMessage)
    await deadline.beats(this.#answering.empty())
    deadline.cancel()
    await closeUdp(this.#socket)
    this.#forgetSignal()
    this.#stopped = true
    this.#track.record('stopped', `received ${this.#received}, answered ${this.#answered}`)
    this.#timeline.close(this.#track)
    return {
      received: this.#received,
      answered: this.#answered,
      bytesReceived: this.#bytesReceived,
      bytesSent: this.#bytesSent,
      peers: this.#peers.size,
      errors: this.#errors,
      durationMs: now() - startedAtMs,
    }
  }

  readonly #onMessage = (datagram: Buffer, from: RemoteInfo): void => {
    this.#received++
    this.#bytesReceived += datagram.length
    this.#track.bytes('read', datagram.length)
    if (this.#peers.size < MAX_PEERS) this.#peers.add(`${from.address} ${from.port}`)
    const answer = {}
    this.#answering.add(answer)
    this.#socket.send(datagram, from.port, from.address, (error) => {
      this.#answering.delete(answer)
      if (error) {
        this.#errors.push(error)
        return
      }
      this.#answered++
      this.#bytesSent += datagram.length
      this.#track.bytes('sent', datagram.length)
    })
  }
}
