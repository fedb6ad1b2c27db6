import type { RemoteInfo, Socket } from 'node:dgram'

import { seedOf } from '../../faults/random.ts'
import type { Deadline } from '../../lifetime/deadline.ts'
import { Live } from '../../lifetime/live.ts'
import { onAbort } from '../../lifetime/on-abort.ts'
import { bracketed, formatEndpoint } from '../../model/endpoint.ts'
import { FaultUnusedError, NetgraceError } from '../../model/errors.ts'
import { describeFault, type UdpFault } from '../../model/fault.ts'
import { now } from '../../timeline/clock.ts'
import type { Timeline } from '../../timeline/timeline.ts'
import type { Track } from '../../timeline/track.ts'
import { closeUdp, type UdpAddress } from '../../wire/udp.ts'
import { Cycle } from '../cycle.ts'
import type { InjectedFault } from '../injection.ts'
import { DEFAULT_PROXY_GRACE_MS } from '../proxy-options.ts'
import { ProxyStop } from '../proxy-stop.ts'
import { FirstErrors } from './first-errors.ts'
import { Schedule } from './schedule.ts'
import { Session, type SessionOwner, type UdpSession } from './session.ts'
import { UdpInjection, type InjectionOwner } from './udp-injection.ts'
import { checkUdpFault, checkUdpWhere, DEFAULT_IDLE_MS, type UdpProxyOptions, type UdpWhere } from './udp-options.ts'

/** What a UDP proxy came to. */
export interface UdpProxyReport {
  readonly sessions: number
  readonly upstream: { readonly received: number; readonly passed: number }
  readonly downstream: { readonly received: number; readonly passed: number }
  /** Of the proxy itself: faults that threw, an upstream function that failed, unused faults; the first 32 and a count of the rest. What the system reported for a session is the session's. */
  readonly errors: readonly Error[]
  readonly durationMs: number
}

/** Stands between UDP clients and their server. Its owner ends it with `stop()`, `await using`, or by aborting `signal`; a rig does it for its own. */
export interface UdpFaultProxy extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** `udp://HOST:PORT` */
  readonly url: string
  readonly seed: number
  /** The live ones: one for each client address. */
  readonly sessions: ReadonlySet<UdpSession>
  /** Puts a fault on all sessions, those that are live and those to come. */
  inject(fault: UdpFault, where?: UdpWhere): InjectedFault
  /** Heals all faults: what they hold is passed on, in order. */
  heal(): void
  /**
   * Passes on, within the grace, what faults have delayed, and closes all sockets. A later call gives the same promise.
   * @throws {FaultUnusedError} `ERR_NETGRACE_FAULT_UNUSED`, once all is down: a fault has met nothing.
   */
  stop(options?: { readonly graceMs?: number }): Promise<UdpProxyReport>
}

/** What it is made of, beside its options. */
export interface UdpProxySetup {
  readonly timeline: Timeline
  /** It has stopped. */
  readonly stopped?: (errors: readonly Error[]) => void
}

/** See {@link UdpFaultProxy}. */
export class NetUdpProxy implements UdpFaultProxy, SessionOwner, InjectionOwner {
  readonly host: string
  readonly port: number
  readonly seed: number
  readonly idleMs: number
  readonly schedule: Schedule = new Schedule()
  readonly #socket: Socket
  readonly #ask: () => Promise<UdpAddress>
  readonly #timeline: Timeline
  readonly #track: Track
  readonly #byClient = new Map<string, Session>()
  readonly #live = new Live<Session>()
  readonly #injections = new Set<UdpInjection>()
  readonly #cycles = new Map<UdpInjection, Cycle>()
  readonly #everInjected: UdpInjection[] = []
  readonly #equals = new Map<string, number>()
  readonly #errors = new FirstErrors()
  readonly #sums = { upstream: { received: 0, passed: 0 }, downstream: { received: 0, passed: 0 } }
  readonly #forgetSignal: () => void
  readonly #whenStopped: UdpProxySetup['stopped']
  #sessions = 0
  readonly #stopping: ProxyStop<UdpProxyReport>

  constructor(socket: Socket, ask: () => Promise<UdpAddress>, options: UdpProxyOptions, { timeline, stopped }: UdpProxySetup) {
    const { address, port } = socket.address()
    this.host = address
    this.port = port
    this.seed = options.seed ?? Math.floor(Math.random() * 2 ** 32)
    this.idleMs = options.idleMs ?? DEFAULT_IDLE_MS
    this.#socket = socket
    this.#ask = ask
    this.#stopping = new ProxyStop(options.graceMs ?? DEFAULT_PROXY_GRACE_MS, (deadline) => this.#stop(deadline))
    this.#timeline = timeline
    this.#whenStopped = stopped
    this.#track = timeline.open('UDP proxy')
    for (const [fault, where] of options.faults ?? []) this.inject(fault, where)
    socket.on('message', (datagram: Buffer, from: RemoteInfo) => this.#sessionOf(from)?.fromClient(datagram))
    socket.on('error', (error) => this.#errors.add(error))
    this.#track.record('listening', this.toString())
    this.#forgetSignal = options.signal ? onAbort(options.signal, () => void this.halt()) : () => {}
  }

  get url(): string {
    return `udp://${bracketed(this.host)}:${this.port}`
  }

  get sessions(): ReadonlySet<UdpSession> {
    return this.#live.all
  }

  toString(): string {
    return `UDP proxy ${formatEndpoint(this)} (seed ${this.seed})`
  }

  inject(fault: UdpFault, where: UdpWhere = {}): InjectedFault {
    checkUdpFault(fault)
    checkUdpWhere(where)
    if (this.#stopping.hasBegun) throw new NetgraceError('ERR_NETGRACE_STOPPED', `${this.toString()} was stopped`)
    const identity = describeFault(fault)
    const equals = this.#equals.get(identity) ?? 0
    this.#equals.set(identity, equals + 1)
    const injection = new UdpInjection(fault, where, seedOf(this.seed, identity, equals), this)
    this.#everInjected.push(injection)
    this.#track.record('note', `injected ${injection.toString()}`)
    this.#resume(injection)
    if (where.every) this.#cycles.set(injection, new Cycle(where.every, (on) => (on ? this.#resume(injection) : this.#suspend(injection))))
    return injection
  }

  heal(): void {
    for (const injection of [...this.#injections, ...this.#cycles.keys()]) injection.heal()
  }

  healed(injection: UdpInjection): void {
    this.#cycles.get(injection)?.stop()
    this.#cycles.delete(injection)
    this.#track.record('note', `healed ${injection.toString()}`)
    this.#suspend(injection)
  }

  faultFailed(error: Error): void {
    this.#errors.add(error)
  }

  stop(options: { readonly graceMs?: number } = {}): Promise<UdpProxyReport> {
    return this.#stopping.stop(options)
  }

  /** As {@link stop}, but an unused fault is among the report's errors. For whoever throws once for many parts. */
  halt(options: { readonly graceMs?: number } = {}): Promise<UdpProxyReport> {
    return this.#stopping.halt(options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async upstream(): Promise<UdpAddress> {
    return this.#ask()
  }

  upstreamFailed(error: Error): void {
    this.#errors.add(
      new NetgraceError('ERR_NETGRACE_UPSTREAM', `${this.toString()}: the upstream function failed: ${error.message}`, { cause: error }),
    )
  }

  answer(data: Buffer, client: UdpAddress, sent: () => void): void {
    this.#socket.send(data, client.port, client.host, (error) => {
      if (error) this.#errors.add(error)
      else sent()
    })
  }

  over(session: Session): void {
    for (const direction of ['upstream', 'downstream'] as const) {
      this.#sums[direction].received += session[direction].received
      this.#sums[direction].passed += session[direction].passed
    }
    this.#byClient.delete(formatEndpoint(session.client))
    this.#timeline.close(session.track)
    this.#live.delete(session)
  }

  #resume(injection: UdpInjection): void {
    this.#injections.add(injection)
    for (const session of this.#live.all) session.inject(injection)
  }

  /** What it holds is passed on. */
  #suspend(injection: UdpInjection): void {
    this.#injections.delete(injection)
    for (const session of this.#live.all) session.heal(injection)
  }

  async #stop(deadline: Deadline): Promise<UdpProxyReport> {
    const startedAtMs = now()
    this.#track.record('quitting')
    for (const cycle of this.#cycles.values()) cycle.stop()
    for (const session of this.#live.all) session.releaseEndless()
    await deadline.beats(this.schedule.empty())
    deadline.cancel()
    this.schedule.clear()
    await Promise.all(Array.from(this.#live.all, (session) => session.close()))
    await closeUdp(this.#socket)
    this.#forgetSignal()
    const unused = this.#everInjected.filter(({ hits, where }) => hits === 0 && !where.optional)
    if (unused.length > 0) {
      const lines = unused.map(
        (one) => `  ${one.toString()} never triggered: ${this.#sessions === 0 ? 'no client sent a datagram' : one.whyUnused()}`,
      )
      const message = `${this.toString()}: unused faults\n${lines.join('\n')}\n\`optional: true\` allows a fault not to trigger.`
      this.#errors.add(new FaultUnusedError(message, unused.map(String)))
    }
    this.#track.record('stopped')
    this.#timeline.close(this.#track)
    const errors = this.#errors.report()
    this.#whenStopped?.(errors)
    return { sessions: this.#sessions, ...this.#sums, errors, durationMs: now() - startedAtMs }
  }

  #sessionOf({ address: host, port }: RemoteInfo): Session | undefined {
    if (this.#stopping.hasBegun) return undefined
    const key = formatEndpoint({ host, port })
    const known = this.#byClient.get(key)
    if (known) return known
    const id = ++this.#sessions
    const session = new Session(this, id, { host, port }, this.#timeline.open('UDP session', id))
    this.#byClient.set(key, session)
    this.#live.add(session)
    for (const injection of this.#injections) session.inject(injection)
    return session
  }
}
