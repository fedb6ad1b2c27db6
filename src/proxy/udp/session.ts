import type { Socket } from 'node:dgram'

import { clearTimer, setTimer } from '../../lifetime/timers.ts'
import { asError } from '../../lifetime/throw-all.ts'
import { formatEndpoint, type Endpoint } from '../../model/endpoint.ts'
import { NetgraceError } from '../../model/errors.ts'
import type { Direction } from '../../model/fault.ts'
import { now } from '../../timeline/clock.ts'
import type { Track } from '../../timeline/track.ts'
import { closeUdp, connectUdp, type UdpAddress } from '../../wire/udp.ts'
import { DatagramLane, MAX_HELD_BYTES, MAX_HELD_DATAGRAMS, type LaneOwner } from './datagram-lane.ts'
import { DatagramTrigger } from './datagram-trigger.ts'
import { FirstErrors } from './first-errors.ts'
import type { Schedule } from './schedule.ts'
import type { UdpInjection } from './udp-injection.ts'

/** How many datagrams wait for the upstream socket to be connected; more are dropped, as a kernel would. */
const MAX_EARLY = 256

/** What came, and what was passed on, each way. */
export interface UdpCounts {
  readonly received: number
  /** Given to the kernel. What waits, was dropped, or could not be sent is not among them. */
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
  /** The faults that hit it, in the order in which they did. */
  readonly faults: readonly string[]
  /** What the system reported for it: ECONNREFUSED, where nothing receives. They end nothing. The first 32. */
  readonly errors: readonly Error[]
}

/** Whoever has the sessions. */
export interface SessionOwner {
  readonly idleMs: number
  readonly schedule: Schedule
  upstream(): Promise<UdpAddress>
  /** The upstream could not be asked for. */
  upstreamFailed(error: Error): void
  /** To the client; `sent` once the kernel has taken it. */
  answer(data: Buffer, client: UdpAddress, sent: () => void): void
  over(session: Session): void
}

/** See {@link UdpSession}: one client address, and an upstream socket of its own. */
export class Session implements UdpSession, LaneOwner {
  readonly id: number
  readonly client: UdpAddress
  readonly schedule: Schedule
  readonly faults: string[] = []
  local: Endpoint | undefined
  readonly track: Track
  readonly #owner: SessionOwner
  readonly #lanes: Readonly<Record<Direction, DatagramLane>>
  readonly #triggers = new Map<UdpInjection, DatagramTrigger>()
  readonly #hitBy = new Set<UdpInjection>()
  readonly #passed = { upstream: 0, downstream: 0 }
  readonly #errors = new FirstErrors()
  #socket: Socket | undefined
  #early: Buffer[] = []
  #lastMs = now()
  #idleTimer: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined
  /** The upstream is being asked for. */
  #opening = false
  #connecting: Promise<Socket> | undefined

  constructor(owner: SessionOwner, id: number, client: UdpAddress, track: Track) {
    this.#owner = owner
    this.id = id
    this.client = client
    this.schedule = owner.schedule
    this.track = track
    this.#lanes = { upstream: new DatagramLane(this, 'upstream'), downstream: new DatagramLane(this, 'downstream') }
    track.record('opened', `${formatEndpoint(client)}, UDP`)
    this.#watchIdle()
    void this.#open()
  }

  get upstream(): UdpCounts {
    return { received: this.#lanes.upstream.received, passed: this.#passed.upstream }
  }

  get downstream(): UdpCounts {
    return { received: this.#lanes.downstream.received, passed: this.#passed.downstream }
  }

  get errors(): readonly Error[] {
    return this.#errors.kept
  }

  get errorCount(): number {
    return this.#errors.count
  }

  /** A datagram of the client's. */
  fromClient(data: Buffer): void {
    this.#take('upstream', data)
  }

  /** Puts a fault on it. */
  inject(injection: UdpInjection): void {
    const trigger = new DatagramTrigger(injection.where.after ?? {})
    this.#triggers.set(injection, trigger)
    const looksBothWays = injection.where.after?.match !== undefined
    for (const lane of Object.values(this.#lanes)) {
      if (looksBothWays || injection.acts(lane.direction)) lane.insert(injection, trigger)
    }
  }

  /** Takes a fault off; what it holds is passed on. */
  heal(injection: UdpInjection): void {
    this.#triggers.delete(injection)
    for (const lane of Object.values(this.#lanes)) lane.remove(injection)
  }

  /** Passes on what only a healing would release. */
  releaseEndless(): void {
    for (const lane of Object.values(this.#lanes)) lane.releaseEndless()
  }

  /** Resolves when its socket is gone. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  deliver(direction: Direction, data: Buffer): void {
    this.#lastMs = now()
    if (this.#closing) return
    if (direction === 'upstream') this.#toUpstream(data)
    else this.#owner.answer(data, this.client, () => this.#passed.downstream++)
  }

  triggered(injection: UdpInjection): void {
    if (this.#hitBy.has(injection)) return
    this.#hitBy.add(injection)
    this.faults.push(injection.toString())
    this.track.record('note', `triggered ${injection.toString()}`)
  }

  overflowed(direction: Direction): void {
    const most = `${MAX_HELD_DATAGRAMS} datagrams or ${MAX_HELD_BYTES} bytes`
    this.#failed(new NetgraceError('ERR_NETGRACE_FAULT', `faults hold ${most} ${direction}: later ones are dropped until some have passed`))
  }

  #take(direction: Direction, data: Buffer): void {
    this.#lastMs = now()
    this.#lanes[direction].take(data)
  }

  #toUpstream(data: Buffer): void {
    if (this.#socket) return this.#send(this.#socket, data)
    if (this.#early.length < MAX_EARLY) this.#early.push(data)
    if (!this.#opening) void this.#open() // the last attempt failed
  }

  #send(socket: Socket, data: Buffer): void {
    socket.send(data, (error) => {
      if (error) this.#failed(error)
      else this.#passed.upstream++
    })
  }

  async #open(): Promise<void> {
    this.#opening = true
    try {
      const to = await this.#askUpstream()
      if (!to || this.#closing) return // it did not wait for an answer that may never come
      this.#connecting = connectUdp(to, (error) => error)
      this.#connected(await this.#connecting)
    } catch (error) {
      this.#failed(asError(error))
    } finally {
      this.#opening = false
      if (!this.#socket) this.#early = [] // what could not be sent is lost, as with a host that cannot be reached
    }
  }

  async #askUpstream(): Promise<UdpAddress | undefined> {
    try {
      return await this.#owner.upstream()
    } catch (error) {
      this.#failed(asError(error))
      this.#owner.upstreamFailed(asError(error))
      return undefined
    }
  }

  #connected(socket: Socket): void {
    const { address: host, port } = socket.address()
    this.local = { host, port }
    socket.on('error', (error) => this.#failed(error)) // of an earlier datagram: nothing received it
    socket.on('message', (data) => this.#take('downstream', data))
    this.#socket = socket
    for (const data of this.#early.splice(0)) this.#send(socket, data)
  }

  #failed(error: Error): void {
    this.#errors.add(error)
    this.track.record('note', error.message)
  }

  #watchIdle(): void {
    const holds = Object.values(this.#lanes).some((lane) => lane.holds)
    const leftMs = holds ? this.#owner.idleMs : this.#lastMs + this.#owner.idleMs - now()
    if (leftMs <= 0) void this.close()
    else this.#idleTimer = setTimer(() => this.#watchIdle(), leftMs).unref()
  }

  async #close(): Promise<void> {
    clearTimer(this.#idleTimer)
    await this.#connecting?.catch(() => {}) // reported already
    if (this.#socket) await closeUdp(this.#socket)
    const { upstream, downstream } = this
    this.track.record(
      'ended',
      `${upstream.passed} of ${upstream.received} upstream, ${downstream.passed} of ${downstream.received} downstream`,
    )
    this.#owner.over(this)
  }
}
