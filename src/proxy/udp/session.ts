import type { Socket } from 'node:dgram'

import { clearTimer, setTimer } from '../../lifetime/timers.ts'
import { formatEndpoint, type Endpoint } from '../../model/endpoint.ts'
import type { Direction } from '../../model/fault.ts'
import { now } from '../../timeline/clock.ts'
import type { Track } from '../../timeline/track.ts'
import { closeUdp, connectUdp, type UdpAddress } from '../../wire/udp.ts'
import type { DatagramPlace } from './udp-injection.ts'

/** How many datagrams wait for the upstream socket to be connected; more are dropped, as a kernel would. */
const MAX_EARLY = 256

/** What came, and what was passed on, each way. */
export interface UdpCounts {
  readonly received: number
  readonly passed: number
}

/** What one client address sends and is sent: UDP has no connections, so silence ends it. */
export interface UdpSession {
  readonly id: number
  readonly client: Endpoint
  /** Our end towards the upstream; `undefined` until it is there. */
  readonly local: Endpoint | undefined
  readonly upstream: UdpCounts
  readonly downstream: UdpCounts
  /** What the system said of it: ECONNREFUSED, where nobody receives. They end nothing. */
  readonly errors: readonly Error[]
}

/** Whoever has the sessions. */
export interface SessionOwner {
  readonly idleMs: number
  upstream(): Promise<UdpAddress>
  /** When each copy of a datagram is to be sent; `[0]`: once, now. */
  fate(place: DatagramPlace): readonly number[]
  /** Does it so much later. */
  later(ms: number, act: () => void): void
  /** To the client. */
  answer(datagram: Buffer, client: UdpAddress): void
  over(session: Session): void
}

/** See {@link UdpSession}: one client address, and an upstream socket of its own. */
export class Session implements UdpSession {
  readonly id: number
  readonly client: UdpAddress
  readonly errors: Error[] = []
  readonly upstream = { received: 0, passed: 0 }
  readonly downstream = { received: 0, passed: 0 }
  local: Endpoint | undefined
  readonly track: Track
  readonly #owner: SessionOwner
  #socket: Socket | undefined
  #early: Buffer[] = []
  #lastMs = now()
  #idleTimer: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined
  #connecting: Promise<void> | undefined

  constructor(owner: SessionOwner, id: number, client: UdpAddress, track: Track) {
    this.#owner = owner
    this.id = id
    this.client = client
    this.track = track
    track.record('opened', `${formatEndpoint(client)}, UDP`)
    this.#watchIdle()
    void this.#open()
  }

  /** A datagram of the client's. */
  fromClient(datagram: Buffer): void {
    this.#meet('upstream', datagram, (copy) => this.#toUpstream(copy))
  }

  /** Resolves when its socket is gone. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #meet(direction: Direction, datagram: Buffer, pass: (copy: Buffer) => boolean): void {
    this.#lastMs = now()
    const counts = this[direction]
    const fate = this.#owner.fate({ session: this.id, direction, number: counts.received++ })
    for (const ms of fate) {
      const deliver = (): void => {
        if (!this.#closing && pass(datagram)) counts.passed++
      }
      if (ms > 0) this.#owner.later(ms, deliver)
      else deliver()
    }
  }

  #toUpstream(datagram: Buffer): boolean {
    if (this.#socket) this.#socket.send(datagram, (error) => error && this.#failed(error))
    else if (this.#early.length < MAX_EARLY) this.#early.push(datagram)
    else return false
    return true
  }

  #toClient(datagram: Buffer): boolean {
    this.#owner.answer(datagram, this.client)
    return true
  }

  async #open(): Promise<void> {
    try {
      const to = await this.#owner.upstream()
      if (this.#closing) return // it did not wait for an answer that may never come
      this.#connecting = connectUdp(to, (error) => error).then((socket) => this.#connected(socket))
      await this.#connecting
    } catch (error) {
      this.#failed(error as Error)
    }
  }

  #connected(socket: Socket): void {
    const { address: host, port } = socket.address()
    this.local = { host, port }
    socket.on('error', (error) => this.#failed(error)) // of an earlier datagram: nobody received it
    socket.on('message', (datagram) => this.#meet('downstream', datagram, (copy) => this.#toClient(copy)))
    this.#socket = socket
    for (const datagram of this.#early.splice(0)) this.#toUpstream(datagram)
  }

  #failed(error: Error): void {
    this.errors.push(error)
    this.track.record('note', error.message)
  }

  #watchIdle(): void {
    const leftMs = this.#lastMs + this.#owner.idleMs - now()
    if (leftMs <= 0) void this.close()
    else this.#idleTimer = setTimer(() => this.#watchIdle(), leftMs).unref()
  }

  async #close(): Promise<void> {
    clearTimer(this.#idleTimer)
    await this.#connecting?.catch(() => {}) // told already
    if (this.#socket) await closeUdp(this.#socket)
    const { upstream, downstream } = this
    this.track.record(
      'ended',
      `${upstream.passed} of ${upstream.received} upstream, ${downstream.passed} of ${downstream.received} downstream`,
    )
    this.#owner.over(this)
  }
}
