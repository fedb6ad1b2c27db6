import type { Socket } from 'node:dgram'

import { bounded, mayBegin, UNBOUNDED } from '../../lifetime/bounded.ts'
import { onAbort } from '../../lifetime/on-abort.ts'
import { asError } from '../../lifetime/throw-all.ts'
import { checkData, type Data, type WaitOptions } from '../../model/client.ts'
import { describeEnding } from '../../model/describe-ending.ts'
import { decideEnding, type Ending } from '../../model/ending.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { ConnectionEndedError } from '../../model/errors.ts'
import { duration } from '../../model/options.ts'
import { now } from '../../timeline/clock.ts'
import type { Timeline } from '../../timeline/timeline.ts'
import type { Track } from '../../timeline/track.ts'
import { closeUdp } from '../../wire/udp.ts'

/** How many bytes of datagrams wait for a reader; what comes beyond that is dropped, and counted. */
export const UDP_READ_AHEAD = 1024 * 1024

/**
 * A UDP socket connected to one peer. Whoever opened it ends it with `close()`, `await using`, or by aborting `signal`.
 *
 * It ends by itself when the system says that nobody is there: `refused`. That takes an answer of the peer's host, so
 * silence is no ending: give a `receive` a deadline.
 */
export interface UdpClient extends AsyncDisposable {
  readonly local: Endpoint
  readonly peer: Endpoint
  readonly socket: Socket
  /** How it ended: `refused`, `closed`, or `error`. Never rejects. */
  readonly ended: Promise<Ending>
  /** {@link ended} within `ms`, or rejects with `ERR_NETGRACE_TIMEOUT` and what it was doing. */
  endsWithin(ms: number): Promise<Ending>
  /** Datagrams that came while {@link UDP_READ_AHEAD} waited to be received. */
  readonly dropped: number
  /** Sends one datagram, and resolves when the kernel has taken it. Rejects with a `ConnectionEndedError`. */
  send(data: Data, options?: WaitOptions): Promise<void>
  /** The next datagram; `undefined` once it has ended. Asked for several times, they are served in their order. */
  receive(options?: WaitOptions): Promise<Buffer | undefined>
  close(): Promise<Ending>
}

/** See {@link UdpClient}. */
export class NetUdpClient implements UdpClient {
  readonly socket: Socket
  readonly local: Endpoint
  readonly peer: Endpoint
  readonly ended: Promise<Ending>
  dropped = 0
  readonly #track: Track
  readonly #timeline: Timeline
  readonly #openedAtMs = now()
  readonly #datagrams: Buffer[] = []
  readonly #receivers: ((datagram: Buffer | undefined) => void)[] = []
  readonly #forgetSignal: () => void
  #waiting = 0
  #bytesRead = 0
  #bytesWritten = 0
  #ending: Ending | undefined
  #resolveEnded!: (ending: Ending) => void

  constructor(socket: Socket, track: Track, timeline: Timeline, signal: AbortSignal | undefined) {
    const { address, port } = socket.address()
    const remote = socket.remoteAddress()
    this.socket = socket
    this.local = { host: address, port }
    this.peer = { host: remote.address, port: remote.port }
    this.#track = track
    this.#timeline = timeline
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    socket.on('message', (datagram) => this.#onMessage(datagram))
    socket.on('error', (error) => void this.#end({ error }))
    this.#forgetSignal = signal ? onAbort(signal, (reason) => void this.#end({ intent: 'closed' }, asError(reason))) : () => {}
  }

  async endsWithin(ms: number): Promise<Ending> {
    duration('ms', ms)
    return bounded(this.ended, { withinMs: ms }, () => `${this.#track.name} had not ended after ${ms} ms: ${this.#track.story()}`)
  }

  async send(data: Data, options: WaitOptions = UNBOUNDED): Promise<void> {
    mayBegin(options)
    checkData(data)
    if (this.#ending) throw this.#endedError(this.#ending)
    const work = new Promise<void>((resolve, reject) => {
      this.socket.send(data, (error) => {
        if (error) void this.#end({ error }).then((ending) => reject(this.#endedError(ending)))
        else resolve()
      })
    })
    const size = Buffer.byteLength(data)
    this.#bytesWritten += size
    this.#track.bytes('sent', size)
    return bounded(work, options, () => `${this.#track.name}: a datagram was not taken within ${options.withinMs} ms`)
  }

  async receive(options: WaitOptions = UNBOUNDED): Promise<Buffer | undefined> {
    mayBegin(options)
    const datagram = this.#datagrams.shift()
    if (datagram) this.#waiting -= datagram.length
    if (datagram ?? this.#ending) return datagram
    let receiver: (datagram: Buffer | undefined) => void
    const work = new Promise<Buffer | undefined>((resolve) => {
      receiver = resolve
      this.#receivers.push(receiver)
    })
    const waiting = { for: 'a datagram', sinceMs: now() }
    this.#track.wait(waiting)
    const waited = (): void => this.#track.waited(waiting)
    const late = (): string => `${this.#track.name}: no datagram came within ${options.withinMs} ms; ${this.#track.story()}`
    return bounded(work.finally(waited), options, late, () => {
      waited()
      this.#receivers.splice(this.#receivers.indexOf(receiver), 1)
    })
  }

  close(): Promise<Ending> {
    return this.#end({ intent: 'closed' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #onMessage(datagram: Buffer): void {
    this.#bytesRead += datagram.length
    this.#track.bytes('read', datagram.length)
    const receiver = this.#receivers.shift()
    if (receiver) return receiver(datagram)
    if (this.#waiting + datagram.length > UDP_READ_AHEAD) {
      this.dropped++
      return
    }
    this.#datagrams.push(datagram)
    this.#waiting += datagram.length
  }

  /** The first cause is how it ended. */
  async #end(seen: { readonly intent?: 'closed'; readonly error?: Error }, cause = seen.error): Promise<Ending> {
    if (this.#ending) return this.ended
    const ending: Ending = {
      ...decideEnding({ ...seen, endSeen: false, falseEnd: false, finFirst: false, unsure: false }),
      phase: 'open',
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      durationMs: now() - this.#openedAtMs,
      ...(cause && { cause }),
    }
    this.#ending = ending
    this.#forgetSignal()
    for (const receiver of this.#receivers.splice(0)) receiver(undefined)
    this.#track.record('ended', describeEnding(ending))
    await closeUdp(this.socket)
    this.#timeline.close(this.#track)
    this.#resolveEnded(ending)
    return ending
  }

  #endedError(ending: Ending): ConnectionEndedError {
    return new ConnectionEndedError(`${this.#track.name} ended before the datagram could be sent: ${describeEnding(ending)}`, ending)
  }
}
