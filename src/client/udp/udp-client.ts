import type { Socket } from 'node:dgram'

import { bounded, mayBegin, UNBOUNDED } from '../../lifetime/bounded.ts'
import { onAbort } from '../../lifetime/on-abort.ts'
import { asError } from '../../lifetime/throw-all.ts'
import { checkData, type Data, type WaitOptions } from '../../model/client.ts'
import { describeEnding } from '../../model/describe-ending.ts'
import { decideEnding, type Ending } from '../../model/ending.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { ConnectionEndedError, NetgraceError } from '../../model/errors.ts'
import { duration } from '../../model/options.ts'
import { now } from '../../timeline/clock.ts'
import type { Timeline } from '../../timeline/timeline.ts'
import type { Track } from '../../timeline/track.ts'
import { closeUdp, isClosed, whenClosed } from '../../wire/udp.ts'

/** How many bytes of datagrams wait for a reader; what comes beyond that is dropped, and counted. */
export const UDP_READ_AHEAD = 1024 * 1024

/** What an IP packet of 64 KiB has room for, behind the headers. */
const MAX_DATAGRAM = { four: 65_507, six: 65_527 }

/** Why it ends. */
interface Seen {
  readonly intent?: 'closed'
  readonly error?: Error
}

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
  /** How it ended: `refused` or `lost` where the system says that nothing is there, `closed` by us or by closing {@link socket}, or `error`. Never rejects. */
  readonly ended: Promise<Ending>
  /** {@link ended} within `ms`, or rejects with `ERR_NETGRACE_TIMEOUT` and what it was doing. */
  endsWithin(ms: number): Promise<Ending>
  /** Datagrams that came while {@link UDP_READ_AHEAD} waited to be received. */
  readonly dropped: number
  /**
   * Sends one datagram, and resolves when the kernel has taken it.
   * @throws {NetgraceError} `ERR_NETGRACE_DATAGRAM`: the kernel did not take this one, above all because it was too big; `cause` says why. The client goes on.
   * @throws {ConnectionEndedError} the client ended first.
   */
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
  readonly #receivers = new Set<(datagram: Buffer | undefined) => void>()
  #forgetSignal = (): void => {}
  #waiting = 0
  #bytesRead = 0
  #bytesWritten = 0
  /** It ends: nothing is sent or received any more. */
  #over = false
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
    void whenClosed(socket).then(() => this.#end({ intent: 'closed' })) // its user has closed it
    if (signal) this.#forgetSignal = onAbort(signal, (reason) => void this.#end({ intent: 'closed' }, asError(reason)))
  }

  async endsWithin(ms: number): Promise<Ending> {
    duration('ms', ms)
    return bounded(this.ended, { withinMs: ms }, () => `${this.#track.name} had not ended after ${ms} ms: ${this.#track.story()}`)
  }

  async send(data: Data, options: WaitOptions = UNBOUNDED): Promise<void> {
    mayBegin(options)
    checkData(data)
    if (this.#over) return this.#endedBeforeSend()
    return bounded(this.#send(data), options, () => `${this.#track.name}: a datagram was not taken within ${options.withinMs} ms`)
  }

  async receive(options: WaitOptions = UNBOUNDED): Promise<Buffer | undefined> {
    mayBegin(options)
    const datagram = this.#datagrams.shift()
    if (datagram) this.#waiting -= datagram.length
    if (datagram ?? this.#over) return datagram
    let receiver: (datagram: Buffer | undefined) => void
    const work = new Promise<Buffer | undefined>((resolve) => {
      receiver = resolve
      this.#receivers.add(receiver)
    })
    const waiting = { for: 'a datagram', sinceMs: now() }
    this.#track.wait(waiting)
    const waited = (): void => this.#track.waited(waiting)
    const late = (): string => `${this.#track.name}: no datagram came within ${options.withinMs} ms; ${this.#track.story()}`
    return bounded(work.finally(waited), options, late, () => {
      if (!this.#receivers.delete(receiver)) return false // its datagram is on the way
      waited()
      return true
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
    const [receiver] = this.#receivers
    if (receiver) {
      this.#receivers.delete(receiver)
      return receiver(datagram)
    }
    if (this.#waiting + datagram.length > UDP_READ_AHEAD) {
      this.dropped++
      return
    }
    this.#datagrams.push(datagram)
    this.#waiting += datagram.length
  }

  #send(data: Data): Promise<void> {
    return new Promise((resolve, reject) => {
      const sent = (error: Error | null): void => {
        if (!error) {
          const size = Buffer.byteLength(data)
          this.#bytesWritten += size
          this.#track.bytes('sent', size)
          resolve()
        } else if (this.#over || isClosed(error) || verdictOn({ error }).kind !== 'error') {
          void this.#end(isClosed(error) ? { intent: 'closed' } : { error }).then(() => this.#endedBeforeSend().catch(reject))
        } else {
          reject(this.#notTaken(data, error))
        }
      }
      try {
        this.socket.send(data, sent)
      } catch (error) {
        sent(asError(error)) // its user has closed it in this very turn
      }
    })
  }

  /** The first cause is how it ended. */
  async #end(seen: Seen, cause = seen.error): Promise<Ending> {
    if (this.#over) return this.ended
    this.#over = true
    this.#forgetSignal()
    for (const receiver of this.#receivers) receiver(undefined)
    this.#receivers.clear()
    await closeUdp(this.socket)
    const ending: Ending = {
      ...verdictOn(seen),
      phase: 'open',
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      durationMs: now() - this.#openedAtMs,
      ...(cause && { cause }),
    }
    this.#track.record('ended', describeEnding(ending))
    this.#timeline.close(this.#track)
    this.#resolveEnded(ending)
    return ending
  }

  #notTaken(data: Data, cause: Error): NetgraceError {
    const most = `at most ${'host' in this.local && this.local.host.includes(':') ? MAX_DATAGRAM.six : MAX_DATAGRAM.four} bytes, and some systems less`
    const hint = (cause as NodeJS.ErrnoException).code === 'EMSGSIZE' ? ` (a datagram carries ${most})` : ''
    const message = `${this.#track.name}: a datagram of ${Buffer.byteLength(data)} bytes was not taken: ${cause.message}${hint}`
    return new NetgraceError('ERR_NETGRACE_DATAGRAM', message, { cause })
  }

  async #endedBeforeSend(): Promise<never> {
    const ending = await this.ended
    throw new ConnectionEndedError(`${this.#track.name} ended before the datagram could be sent: ${describeEnding(ending)}`, ending)
  }
}

function verdictOn(seen: Seen): ReturnType<typeof decideEnding> {
  return decideEnding({ ...seen, endSeen: false, falseEnd: false, finFirst: false, unsure: false })
}
