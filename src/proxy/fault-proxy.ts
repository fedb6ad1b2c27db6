import { seedOf } from '../faults/random.ts'
import { Deadline } from '../lifetime/deadline.ts'
import { Live } from '../lifetime/live.ts'
import { onAbort } from '../lifetime/on-abort.ts'
import { inSlices } from '../lifetime/slices.ts'
import { sleep } from '../lifetime/sleep.ts'
import { stopInOrder, type Stoppable } from '../lifetime/stop.ts'
import type { WaitOptions } from '../model/client.ts'
import type { ConnectionRecord } from '../model/connection.ts'
import { formatEndpoint, type Endpoint } from '../model/endpoint.ts'
import { FaultUnusedError, NetgraceError } from '../model/errors.ts'
import { describeFault, type Direction, type Fault } from '../model/fault.ts'
import type { Link, LinkRecord } from '../model/link.ts'
import { checkOptions, duration, oneOf } from '../model/options.ts'
import type { StopReport } from '../model/stop-report.ts'
import { checkWhere, type Pattern, type Where } from '../model/where.ts'
import type { Timeline } from '../timeline/timeline.ts'
import type { Track } from '../timeline/track.ts'
import type { ListenerEvents } from '../wire/listener.ts'
import { Entrance } from './entrance.ts'
import { Injection, type InjectedFault } from './injection.ts'
import { NetLink, type LinkOwner } from './link.ts'
import { Newcomers } from './newcomers.ts'
import { checkFault, DEFAULT_DIAL_TIMEOUT_MS, DEFAULT_PROXY_GRACE_MS, DEFAULT_PROXY_HOST, type ProxyOptions } from './proxy-options.ts'
import { Sightings, type SawOptions } from './sightings.ts'
import type { Upstream } from './upstream.ts'

/** How many links that are over stay in `history`. */
export const HISTORY = 1000

/** How long `down()` lets in what the kernel had accepted. Milliseconds. */
const DOWN_WITHIN_MS = 250

/**
 * Stands between a client and its real server, and has faults on demand.
 *
 * Its owner ends it with `stop()`, `await using`, or by aborting `signal`; a rig does it for its own.
 */
export interface FaultProxy extends AsyncDisposable {
  /** Empty on a unix socket. */
  readonly host: string
  /** 0 on a unix socket. */
  readonly port: number
  /** The path of a unix socket, if it listens there. */
  readonly path: string | undefined
  /** The upstream's URL with our host and port: what the client is given instead of it. */
  readonly url: string
  /** Decides all that is random. */
  readonly seed: number
  readonly state: 'listening' | 'down' | 'stopping' | 'stopped'
  /** The live ones. */
  readonly links: ReadonlySet<Link>
  /** All there were, oldest first; of those that are over, the last {@link HISTORY}. */
  readonly history: readonly LinkRecord[]
  /** Puts a fault on. It takes hold within this turn. */
  inject(fault: Fault, where?: Where): InjectedFault
  /** Takes all faults off. */
  heal(): void
  /** The next link that nobody has asked for yet, oldest first. */
  nextLink(options?: WaitOptions): Promise<Link>
  /**
   * The link in which `pattern` came by: no more sleeping and hoping. Of what came before the call the last KiB of
   * each lane are looked at; what has answered one call does not answer a later one.
   * @throws {NetgraceError} `ERR_NETGRACE_TIMEOUT`: not within `withinMs`; `ERR_NETGRACE_STOPPED`: the proxy stopped first.
   */
  saw(pattern: Pattern, options?: SawOptions): Promise<Link>
  /** Refuses from now on, on a port that it holds; what becomes of the links is said by `existing`. Default `reset`. */
  down(existing?: 'reset' | 'end' | 'keep'): Promise<void>
  /** Listens again. */
  up(): Promise<void>
  /** Down, and up again. */
  restart(options?: { readonly downMs?: number }): Promise<void>
  /**
   * Stops: everybody who is connected sees a clean end, if he says goodbye within the grace. A later call gives the
   * same promise, and can only bring the deadline forward.
   * @throws {FaultUnusedError} `ERR_NETGRACE_FAULT_UNUSED`, once all is down: a fault has met nothing.
   */
  stop(options?: { readonly graceMs?: number }): Promise<StopReport>
  /** With the seed. */
  toString(): string
}

/** What a proxy is made of, beside its options. */
export interface ProxySetup {
  readonly timeline: Timeline
}

/** See {@link FaultProxy}. */
export class NetProxy implements FaultProxy, LinkOwner, ListenerEvents, Stoppable<NetLink> {
  readonly live: Live<NetLink> = new Live()
  readonly seed: number
  readonly dialTimeoutMs: number
  readonly #options: ProxyOptions
  readonly #timeline: Timeline
  readonly #track: Track
  readonly #upstream: Upstream
  readonly #entrance: Entrance
  readonly #sightings = new Sightings()
  readonly #newcomers = new Newcomers()
  readonly #injections = new Set<Injection>()
  readonly #everInjected: Injection[] = []
  readonly #equals = new Map<string, number>()
  readonly #past: LinkRecord[] = []
  readonly #drained: ConnectionRecord[] = []
  readonly #forced: ConnectionRecord[] = []
  readonly #errors: Error[] = []
  #accepted = 0
  #endedBefore = 0
  #lateCount = 0
  #moving: Promise<unknown> = Promise.resolve()
  #stopping: { readonly report: Promise<StopReport>; readonly deadline: Deadline } | undefined
  #stopped = false
  #forgetSignal = (): void => {}

  constructor(upstream: Upstream, options: ProxyOptions, setup: ProxySetup) {
    this.#upstream = upstream
    this.#options = options
    this.#timeline = setup.timeline
    this.#track = setup.timeline.open('proxy')
    this.seed = options.seed ?? Math.floor(Math.random() * 2 ** 32)
    this.dialTimeoutMs = options.dialTimeoutMs ?? DEFAULT_DIAL_TIMEOUT_MS
    const { host = DEFAULT_PROXY_HOST, port = 0, path } = options
    this.#entrance = new Entrance(path === undefined ? { host, port } : { path }, this)
    for (const [fault, where] of options.faults ?? []) this.inject(fault, where)
  }

  get host(): string {
    return 'path' in this.#entrance.address ? '' : this.#entrance.address.host
  }

  get port(): number {
    return 'path' in this.#entrance.address ? 0 : this.#entrance.address.port
  }

  get path(): string | undefined {
    return this.#options.path
  }

  get url(): string {
    return this.path === undefined ? this.#upstream.urlAt(this.host, this.port) : formatEndpoint({ path: this.path })
  }

  get state(): 'listening' | 'down' | 'stopping' | 'stopped' {
    if (this.#stopping) return this.#stopped ? 'stopped' : 'stopping'
    return this.#entrance.listens ? 'listening' : 'down'
  }

  get links(): ReadonlySet<Link> {
    return this.live.all
  }

  get history(): readonly LinkRecord[] {
    return [...this.#past, ...Array.from(this.live.all, (link) => link.record())].toSorted((a, b) => a.id - b.id)
  }

  toString(): string {
    const { fixed } = this.#upstream
    return `proxy ${formatEndpoint(this.#entrance.address)} → ${fixed ? formatEndpoint(fixed) : '(a function)'} (seed ${this.seed})`
  }

  inject(fault: Fault, where: Where = {}): InjectedFault {
    checkFault(fault)
    checkWhere(where)
    if (this.#stopping) throw this.#stoppedError()
    const identity = describeFault(fault)
    const equals = this.#equals.get(identity) ?? 0
    this.#equals.set(identity, equals + 1)
    const healed = (injection: Injection): void => {
      this.#injections.delete(injection)
      this.#track.record('note', `healed ${injection.toString()}`)
    }
    const injection = new Injection(fault, where, seedOf(this.seed, identity, equals), healed)
    this.#injections.add(injection)
    this.#everInjected.push(injection)
    this.#track.record('note', `injected ${injection.toString()}`)
    for (const link of this.live.all) injection.strike(link, 'open')
    return injection
  }

  heal(): void {
    for (const injection of this.#injections) injection.heal()
  }

  async nextLink(options: WaitOptions = {}): Promise<Link> {
    return this.#newcomers.next(options, this.toString())
  }

  async saw(pattern: Pattern, options: SawOptions = {}): Promise<Link> {
    return this.#sightings.saw(pattern, options, this.toString())
  }

  async down(existing: 'reset' | 'end' | 'keep' = 'reset'): Promise<void> {
    oneOf('reset', 'end', 'keep')('existing', existing)
    return this.#move(async () => {
      this.#track.record('note', `down (${existing})`)
      const deadline = new Deadline(DOWN_WITHIN_MS)
      await this.#entrance.closeAndHold(deadline)
      deadline.cancel()
      if (existing === 'end') await inSlices(this.live.all, (link) => link.finish())
      if (existing !== 'reset') return
      await inSlices(this.live.all, (link) => link.reset())
    })
  }

  async up(): Promise<void> {
    return this.#move(async () => {
      if (this.#entrance.listens) return
      await this.#entrance.open()
      this.#track.record('note', 'up again')
    })
  }

  async restart(options: { readonly downMs?: number } = {}): Promise<void> {
    checkOptions(options, { downMs: duration })
    await this.down()
    await sleep(options.downMs ?? 0)
    await this.up()
  }

  async stop(options: { readonly graceMs?: number } = {}): Promise<StopReport> {
    const report = await this.halt(options)
    for (const error of report.errors) if (error instanceof FaultUnusedError) throw error
    return report
  }

  /** As {@link stop}, but never rejects: an unused fault is among the report's errors. For whoever throws once for many parts. */
  halt(options: { readonly graceMs?: number } = {}): Promise<StopReport> {
    try {
      checkOptions(options, { graceMs: duration })
    } catch (error) {
      return Promise.reject(error)
    }
    const { graceMs } = options
    if (this.#stopping) {
      if (graceMs !== undefined) this.#stopping.deadline.bringForward(graceMs)
      return this.#stopping.report
    }
    const deadline = new Deadline(graceMs ?? this.#options.graceMs ?? DEFAULT_PROXY_GRACE_MS)
    let done: (report: StopReport) => void
    const report = new Promise<StopReport>((resolve) => {
      done = resolve
    })
    this.#stopping = { report, deadline }
    void this.#stop(deadline).then(done!)
    return report
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Begins to listen. Rejects as {@link Entrance.open} does. */
  async open(): Promise<void> {
    const { signal } = this.#options
    if (signal) this.#forgetSignal = onAbort(signal, () => void this.halt())
    try {
      await this.#entrance.open()
    } catch (error) {
      await this.#abandon()
      throw error
    }
    if (this.#stopping) {
      await this.#abandon()
      throw this.#stoppedError()
    }
    this.#track.record('listening', this.toString())
  }

  upstream(): Endpoint | Promise<Endpoint> {
    return this.#upstream.endpoint()
  }

  accepted(socket: Parameters<ListenerEvents['accepted']>[0]): void {
    const id = ++this.#accepted
    const link = new NetLink(this, id, this.#timeline.open('link', id))
    this.live.add(link)
    this.#sightings.opened(link)
    link.start(socket, { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 })
    for (const injection of this.#injections) injection.strike(link, 'later')
    this.#newcomers.arrived(link)
  }

  late(): void {
    this.#lateCount++
    this.#track.record('late')
  }

  failed(error: Error): void {
    this.#errors.push(error)
  }

  arrived(link: NetLink, direction: Direction, chunk: Buffer): void {
    this.#sightings.arrived(link, direction, chunk)
  }

  over(link: NetLink): void {
    if (!this.live.all.has(link)) return
    if (this.#stopping) this.#count(link)
    else this.#endedBefore++
    this.#past.push(link.record())
    if (this.#past.length > HISTORY) this.#past.shift()
    for (const injection of this.#everInjected) injection.forget(link)
    this.#timeline.close(link.track)
    this.live.delete(link)
    this.#sightings.over(link)
    this.#newcomers.over(link)
  }

  quit(): void {
    this.#track.record('quitting')
    this.#entrance.quit()
    this.#sightings.close(() => this.#stoppedError())
    this.#newcomers.close(() => this.#stoppedError())
  }

  acceptBacklog(deadline: Deadline): Promise<void> {
    return this.#entrance.acceptBacklog(deadline)
  }

  async closeListener(): Promise<void> {
    await Promise.all([this.#entrance.close(), this.#entrance.release()])
  }

  interrupt(link: NetLink): void {
    link.quit()
  }

  force(link: NetLink): void {
    link.force()
  }

  onPhase(phase: 'draining' | 'forcing'): void {
    this.#track.record(phase)
  }

  async #stop(deadline: Deadline): Promise<StopReport> {
    await deadline.beats(this.#moving.catch(() => {}))
    const phases = await stopInOrder(this, deadline)
    for (const link of this.live.all) this.#count(link)
    this.live.all.clear()
    this.#forgetSignal()
    const unused = this.#unusedFaults()
    if (unused) this.#errors.push(unused)
    this.#stopped = true
    this.#track.record('stopped', `links ${this.#accepted}, forced ${this.#forced.length}, late ${this.#lateCount}`)
    this.#timeline.close(this.#track)
    return {
      accepted: this.#accepted,
      endedBefore: this.#endedBefore,
      drained: this.#drained,
      forced: this.#forced,
      unsettled: [],
      late: this.#lateCount,
      errors: this.#errors,
      durationMs: phases.quitMs + phases.drainMs + phases.forceMs,
      phases,
    }
  }

  /** One after the other: a stop lets the one under way be done. */
  #move(act: () => Promise<void>): Promise<void> {
    const moved = this.#moving.then(() => {
      if (this.#stopping) throw this.#stoppedError()
      return act()
    })
    this.#moving = moved.catch(() => {})
    return moved
  }

  async #abandon(): Promise<void> {
    this.#everInjected.length = 0 // a proxy that never listened is to blame for itself
    await this.halt()
  }

  #unusedFaults(): FaultUnusedError | undefined {
    const unused = this.#everInjected.filter(({ hits, where }) => hits === 0 && !where.optional)
    if (unused.length === 0) return undefined
    const names = unused.map((injection) => injection.toString())
    const lines = unused.map((one) => `  ${one.toString()}: ${this.#whyUnused(one)}`)
    const hint = 'Did the client go through the proxy? `optional: true` allows a fault to meet nothing.'
    return new FaultUnusedError(`${this.toString()}: ${many(unused.length, 'fault')} met nothing\n${lines.join('\n')}\n${hint}`, names)
  }

  #whyUnused({ reached }: Injection): string {
    if (this.#accepted === 0) return 'nobody connected'
    if (reached === 0) return `none of ${many(this.#accepted, 'link')} was for it`
    return `it was on ${many(reached, 'link')}, and nothing came its way there`
  }

  #count(link: NetLink): void {
    const { id, client, bytes, openedAtMs, forced } = link
    const record: ConnectionRecord = {
      id,
      local: this.#entrance.address,
      peer: client.endpoint!,
      ending: client.ending,
      bytesRead: client.ending?.bytesRead ?? 0,
      bytesWritten: bytes.downstream,
      openMs: client.ending?.durationMs ?? performance.now() - openedAtMs,
      handler: 'settled',
    }
    ;(forced ? this.#forced : this.#drained).push(record)
  }

  #stoppedError(): NetgraceError {
    return new NetgraceError('ERR_NETGRACE_STOPPED', `${this.toString()} was stopped`)
  }
}

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
