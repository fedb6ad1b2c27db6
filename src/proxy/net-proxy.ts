import type { ConnectionOptions } from 'node:tls'

import { Deadline } from '../lifetime/deadline.ts'
import { Live } from '../lifetime/live.ts'
import { onAbort } from '../lifetime/on-abort.ts'
import { Reach } from '../lifetime/reach.ts'
import { inSlices } from '../lifetime/slices.ts'
import { sleep } from '../lifetime/sleep.ts'
import { stopInOrder, type Stoppable } from '../lifetime/stop.ts'
import type { WaitOptions } from '../model/client.ts'
import { formatEndpoint, type Endpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import type { Direction } from '../model/fault.ts'
import type { Link, LinkRecord } from '../model/link.ts'
import { checkOptions, duration, oneOf } from '../model/options.ts'
import { socketPath } from '../model/socket-path.ts'
import type { StopReport } from '../model/stop-report.ts'
import type { Pattern, Where } from '../model/where.ts'
import { type CallSite, callSite } from '../timeline/call-site.ts'
import type { Timeline } from '../timeline/timeline.ts'
import type { Track } from '../timeline/track.ts'
import type { ListenerEvents } from '../wire/listener.ts'
import { Dials } from './dials.ts'
import { Entrance } from './entrance.ts'
import type { FaultProxy } from './fault-proxy.ts'
import type { InjectedFault } from './injection.ts'
import { Injections, type FaultTarget, type TcpFault } from './injections.ts'
import { NetLink, type LinkOwner } from './link.ts'
import { MiddleTls } from './middle-tls.ts'
import { Newcomers } from './newcomers.ts'
import {
  checkFault,
  checkWhereOf,
  DEFAULT_DIAL_TIMEOUT_MS,
  DEFAULT_PROXY_GRACE_MS,
  DEFAULT_PROXY_HOST,
  type ProxyOptions,
} from './proxy-options.ts'
import { ProxyStop } from './proxy-stop.ts'
import { Sightings, type SawOptions } from './sightings.ts'
import { Tally } from './tally.ts'
import type { Upstream } from './upstream.ts'

/** How long `down()` lets in what the kernel had accepted. Milliseconds. */
const DOWN_WITHIN_MS = 250

/** What a proxy is made of, beside its options. */
export interface ProxySetup {
  readonly timeline: Timeline
  /** When it aborts, what is being opened is given up. */
  readonly cancel?: AbortSignal
  /** A link has connected to its upstream, from `local`. Returns what to call when that socket has closed. */
  dialled?(local: Endpoint, upstream: Endpoint): () => void
  /** It has stopped, and will not start again. */
  stopped?(errors: readonly Error[]): void
}

/** See {@link FaultProxy}. */
export class NetProxy implements FaultProxy, FaultTarget, LinkOwner, ListenerEvents, Stoppable<NetLink> {
  readonly live: Live<NetLink> = new Live()
  readonly seed: number
  readonly dialTimeoutMs: number
  readonly #options: ProxyOptions
  readonly #timeline: Timeline
  readonly #setup: ProxySetup
  readonly #track: Track
  readonly #upstream: Upstream
  readonly #entrance: Entrance
  readonly #tls: MiddleTls | undefined
  readonly #sightings = new Sightings()
  readonly #newcomers = new Newcomers()
  readonly #reach: Reach<NetLink> = new Reach(this.live, 'links')
  readonly #injections: Injections
  readonly #tally = new Tally()
  readonly #dials: Dials
  /** The line that started it. */
  readonly #site: CallSite = callSite()
  #moving: Promise<unknown> = Promise.resolve()
  /** Moves that have not ended. */
  #moves = 0
  #isDown = false
  /** So many faults have new connections refused. */
  #refusing = 0
  readonly #stopping: ProxyStop<StopReport>
  /** Faults of a proxy that never listened are not to blame for never having triggered. */
  #opened = false
  #stopped = false
  #forgetSignal = (): void => {}

  constructor(upstream: Upstream, options: ProxyOptions, setup: ProxySetup) {
    this.#upstream = upstream
    this.#options = options
    this.#stopping = new ProxyStop(options.graceMs ?? DEFAULT_PROXY_GRACE_MS, (deadline) => this.#stop(deadline))
    this.#timeline = setup.timeline
    this.#setup = setup
    this.#track = setup.timeline.open('proxy')
    this.seed = options.seed ?? Math.floor(Math.random() * 2 ** 32)
    this.#injections = new Injections(this.seed, this.#track, this)
    this.#dials = new Dials(options.allowUnreachable === true || upstream.fixed === undefined)
    this.dialTimeoutMs = options.dialTimeoutMs ?? DEFAULT_DIAL_TIMEOUT_MS
    const { host = DEFAULT_PROXY_HOST, port = 0, path } = options
    const address = path === undefined ? { host, port } : { path: socketPath(path, 'path') }
    this.#tls = options.tls && new MiddleTls(options.tls)
    this.#entrance = new Entrance(address, this, this.#tls?.downstream, { timeline: setup.timeline, of: this.#track.name })
    for (const [fault, where] of options.faults ?? []) this.inject(fault, where)
  }

  get host(): string {
    return 'path' in this.#entrance.address ? '' : this.#entrance.address.host
  }

  get port(): number {
    return 'path' in this.#entrance.address ? 0 : this.#entrance.address.port
  }

  get path(): string | undefined {
    return 'path' in this.#entrance.address ? this.#entrance.address.path : undefined
  }

  get url(): string {
    return this.path === undefined ? this.#upstream.urlAt(this.host, this.port) : formatEndpoint({ path: this.path })
  }

  get state(): 'listening' | 'down' | 'stopping' | 'stopped' {
    if (this.#stopping.hasBegun) return this.#stopped ? 'stopped' : 'stopping'
    return this.#entrance.listens ? 'listening' : 'down'
  }

  get links(): ReadonlySet<NetLink> {
    return this.live.all
  }

  get history(): readonly LinkRecord[] {
    return [...this.#tally.past, ...Array.from(this.live.all, (link) => link.record())].toSorted((a, b) => a.id - b.id)
  }

  toString(): string {
    const { fixed } = this.#upstream
    return `proxy ${formatEndpoint(this.#entrance.address)} → ${fixed ? formatEndpoint(fixed) : '(a function)'} (seed ${this.seed})`
  }

  inject(fault: TcpFault, where: Where = {}): InjectedFault {
    checkFault(fault)
    checkWhereOf(fault, where)
    if (this.#stopping.hasBegun) throw this.#stoppedError()
    return this.#injections.inject(fault, where)
  }

  heal(): void {
    this.#injections.heal()
  }

  async nextLink(options: WaitOptions = {}): Promise<Link> {
    return this.#newcomers.next(options, this.toString())
  }

  async linksReach(count: number, options: WaitOptions = {}): Promise<Link[]> {
    return this.#reach.reaches(count, options, this.toString())
  }

  async saw(pattern: Pattern, options: SawOptions = {}): Promise<Link> {
    return this.#sightings.saw(pattern, options, this.toString())
  }

  async down(existing: 'reset' | 'end' | 'keep' = 'reset'): Promise<void> {
    oneOf('reset', 'end', 'keep')('existing', existing)
    return this.#move(async () => {
      this.#track.record('note', `down (${existing})`)
      this.#isDown = true
      this.#dials.mayFail = true
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
      this.#isDown = false
      if (this.#entrance.listens || this.#refusing > 0) return
      await this.#entrance.open()
      this.#track.record('note', 'up again')
    })
  }

  refuse(does: boolean): void {
    this.#refusing += does ? 1 : -1
    if (this.#refusing !== (does ? 1 : 0)) return
    if (does) this.#dials.mayFail = true
    // within this turn, if it can be: whoever dials next is to see it
    const done = this.#isMoving ? this.#move(() => this.#followRefusing()) : this.#following(this.#followRefusing())
    done.catch((error: Error) => this.#stopping.hasBegun || this.failed(error))
  }

  async #followRefusing(): Promise<void> {
    if (this.#refusing > 0) return this.#entrance.closeAndHoldNow()
    if (this.#opened && !this.#isDown && !this.#entrance.listens && !this.#stopping.hasBegun) await this.#entrance.open()
  }

  async restart(options: { readonly downMs?: number } = {}): Promise<void> {
    checkOptions(options, { downMs: duration })
    await this.down()
    await sleep(options.downMs ?? 0)
    await this.up()
  }

  stop(options: { readonly graceMs?: number } = {}): Promise<StopReport> {
    return this.#stopping.stop(options)
  }

  /** As {@link stop}, but an unused fault is among the report's errors. For whoever throws once for many parts. */
  halt(options: { readonly graceMs?: number } = {}): Promise<StopReport> {
    return this.#stopping.halt(options)
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
      await this.halt()
      throw error
    }
    if (this.#stopping.hasBegun) {
      await this.halt()
      throw this.#stoppedError()
    }
    this.#opened = true
    this.#track.record('listening', this.toString())
    if (this.#refusing > 0) await this.#move(() => this.#followRefusing()) // it has its port first
  }

  upstream(): Endpoint | Promise<Endpoint> {
    return this.#upstream.endpoint()
  }

  accepted(...[socket, raw]: Parameters<ListenerEvents['accepted']>): void {
    const id = ++this.#tally.accepted
    const link = new NetLink(this, id, this.#timeline.open('link', id))
    link.locate()
    this.#sightings.opened(link)
    link.start(socket, raw, { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 })
    this.live.add(link)
    this.#injections.accepted(link)
    this.#newcomers.arrived(link)
    void link.dial()
  }

  located(link: NetLink): void {
    this.#injections.located(link)
  }

  tlsTo(link: NetLink): ConnectionOptions | undefined {
    return this.#tls?.upstreamFor(link.protocol)
  }

  beforeDial(link: NetLink): Promise<void> | undefined {
    return this.#injections.beforeDial(link)
  }

  opened(link: NetLink, to: Endpoint): void {
    this.#dials.stood++
    const { upstream } = link
    const closed = upstream.local && this.#setup.dialled?.(upstream.local, to)
    if (closed) void upstream.ended.then(closed)
    this.#injections.opened(link)
  }

  unreachable(link: NetLink, why: string): void {
    this.#dials.failed(why)
    this.#injections.unreachable(link)
  }

  late(): void {
    this.#tally.late++
    this.#track.record('late')
  }

  failed(error: Error): void {
    this.#tally.errors.push(error)
  }

  arrived(link: NetLink, direction: Direction, chunk: Buffer): void {
    this.#sightings.arrived(link, direction, chunk)
  }

  over(link: NetLink): void {
    if (!this.live.all.has(link)) return
    this.#tally.count(link, this.#entrance.address, this.#stopping.hasBegun)
    this.#injections.over(link)
    this.#timeline.close(link.track)
    this.live.delete(link)
    this.#sightings.over(link)
    this.#newcomers.over(link)
  }

  quit(): void {
    this.#track.record('quitting')
    this.#injections.close()
    this.#entrance.quit()
    this.#sightings.close(() => this.#stoppedError())
    this.#newcomers.close(() => this.#stoppedError())
    this.#reach.close(() => this.#stoppedError())
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
    if (phase === 'forcing') this.#entrance.cutHandshakes()
    this.#track.record(phase)
  }

  async #stop(deadline: Deadline): Promise<StopReport> {
    await deadline.beats(this.#moving.catch(() => {}))
    const phases = await stopInOrder(this, deadline)
    for (const link of this.live.all) {
      this.#tally.count(link, this.#entrance.address, true)
      this.#injections.over(link)
    }
    this.live.all.clear()
    this.#forgetSignal()
    const { accepted, errors, forced, late } = this.#tally
    const wrong = this.#opened ? this.#whatIsWrong(accepted) : undefined
    if (wrong) errors.push(wrong)
    this.#stopped = true
    this.#track.record('stopped', `links ${accepted}, forced ${forced}, late ${late}`)
    this.#timeline.close(this.#track)
    this.#setup.stopped?.(errors)
    return this.#tally.report(phases, this.#entrance.handshakes)
  }

  /** Where no dial ever succeeded, that is why faults never triggered. */
  #whatIsWrong(accepted: number): NetgraceError | undefined {
    const unreachable = this.#dials.error(this.toString())
    this.#stopping.unreachable = unreachable && this.#site.blame(unreachable)
    return unreachable ?? this.#injections.unused(this.toString(), accepted)
  }

  /** One after the other: a stop lets the one under way be done. */
  #move(act: () => Promise<void>): Promise<void> {
    return this.#following(
      this.#moving.then(() => {
        if (this.#stopping.hasBegun) throw this.#stoppedError()
        return act()
      }),
    )
  }

  /** What moves next waits for this. */
  #following(moved: Promise<void>): Promise<void> {
    this.#moves++
    this.#moving = moved.catch(() => {}).then(() => void this.#moves--)
    return moved
  }

  get #isMoving(): boolean {
    return this.#moves > 0
  }

  #stoppedError(): NetgraceError {
    return new NetgraceError('ERR_NETGRACE_STOPPED', `${this.toString()} was stopped`)
  }
}
