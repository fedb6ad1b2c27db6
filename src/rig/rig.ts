import type { RequestListener } from 'node:http'

import { openClient } from '../client/connect.ts'
import type { ConnectOptions } from '../client/connect-options.ts'
import { askedFor } from '../lifetime/origin.ts'
import { Scope } from '../lifetime/scope.ts'
import { throwAll } from '../lifetime/throw-all.ts'
import type { Client } from '../model/client.ts'
import type { Handler } from '../model/connection.ts'
import { endpointOf, type Address, type Endpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import type { Link } from '../model/link.ts'
import { callback, checkOptions } from '../model/options.ts'
import type { StopReport } from '../model/stop-report.ts'
import { withoutPassword } from '../model/without-password.ts'
import type { FaultProxy } from '../proxy/fault-proxy.ts'
import type { ProxyOptions } from '../proxy/proxy-options.ts'
import { openProxy } from '../proxy/start-proxy.ts'
import { openUdpProxy } from '../proxy/udp/start-udp-proxy.ts'
import type { UdpProxyOptions } from '../proxy/udp/udp-options.ts'
import type { UdpFaultProxy } from '../proxy/udp/udp-proxy.ts'
import type { UpstreamAddress } from '../proxy/upstream.ts'
import { startScenario } from '../scenario/scenario-run.ts'
import type { ScenarioOptions } from '../scenario/scenario-options.ts'
import type { ScenarioReport } from '../scenario/report.ts'
import type { GracefulServer } from '../server/graceful-server.ts'
import { handlers } from '../server/handlers/handlers.ts'
import { DEFAULT_HOST } from '../server/server-options.ts'
import { openServer } from '../server/start-server.ts'
import type { ForeignServer } from '../server/supervise/foreign-server.ts'
import { openHttp, openSupervised } from '../server/supervise/supervise-server.ts'
import type { SupervisedServer } from '../server/supervise/supervised-server.ts'
import { openUdpEcho, type UdpServerOptions } from '../server/udp/start-udp-echo-server.ts'
import type { UdpServer } from '../server/udp/udp-server.ts'
import { openSpawned, type SpawnOptions } from '../spawn/spawn-client.ts'
import type { SpawnedClient, SpawnedProcessClient } from '../spawn/spawned-client.ts'
import { openUnanswering } from '../spawn/unanswering.ts'
import { Timeline } from '../timeline/timeline.ts'
import { HeldPort } from '../wire/held-port.ts'
import {
  DEFAULT_RIG_GRACE_MS,
  rigRules,
  rigServerRules,
  type RigOptions,
  type RigServerOptions,
  type RigSuperviseOptions,
} from './rig-options.ts'
import { isOneOf, RigServer, type AnyServer } from './rig-servers.ts'

/**
 * The parts of one test, and their end: newest first, under one deadline, whatever happened to the test.
 *
 * Whoever opened the rig closes it; under Vitest and `node:test` the fixture does.
 */
export interface Rig extends AsyncDisposable {
  /** An echo server on a free loopback port. Stopped while the rig is open, it holds its port, and refuses on it. */
  echo(options?: RigServerOptions): Promise<GracefulServer>
  /** A server on a free loopback port. What its handlers throw fails the test. */
  server(handler: Handler, options?: RigServerOptions): Promise<GracefulServer>
  /** A server of yours (net, tls, http, https, http2), stopped as gracefully as our own; on loopback unless it listens already. */
  supervise(server: ForeignServer, options?: RigSuperviseOptions): Promise<SupervisedServer>
  /** An HTTP server on a free loopback port around a listener: a function, an Express app, Koa's `app.callback()`. */
  http(listener: RequestListener, options?: RigSuperviseOptions): Promise<SupervisedServer>
  /** A UDP echo server on a free loopback port. */
  udpEcho(options?: UdpServerOptions): Promise<UdpServer>
  /** A proxy that injects faults, in front of `upstream`. A fault that met nothing fails the test. */
  proxy(upstream: UpstreamAddress, options?: ProxyOptions): Promise<FaultProxy>
  /** The same for UDP. */
  udpProxy(upstream: UpstreamAddress, options?: UdpProxyOptions): Promise<UdpFaultProxy>
  /** A client. At the end of the test it closes gracefully. */
  connect(to: Address, options?: ConnectOptions): Promise<Client>
  /** A client in a thread or a process of its own. At the end of the test it closes gracefully, or, frozen, is killed. */
  spawn(to: Address, options: SpawnOptions & { readonly in: 'process' }): Promise<SpawnedProcessClient>
  spawn(to: Address, options: SpawnOptions): Promise<SpawnedClient>
  /** N clients, M messages each; told to stop if the rig closes first. */
  scenario(to: Address, options?: ScenarioOptions): Promise<ScenarioReport>
  /** An endpoint that refuses every connect, and that nobody else can listen on meanwhile. */
  refusing(): Promise<Endpoint>
  /** An endpoint that never answers a connect: for connect timeouts. */
  unanswering(): Promise<Endpoint>
  /** Anything else: `release(thing)` runs in its turn, and is waited for. */
  adopt<T>(thing: T, release: (thing: T) => unknown): T
  /** Aborts when the rig begins to close. */
  readonly signal: AbortSignal
  /** What happened to all parts, on one clock. */
  readonly timeline: Timeline
  /**
   * Takes the parts down, newest first, and throws what went wrong, once: what handlers threw, handlers that never
   * settled, connections of foreign clients that had to be cut, releases that failed. A second call gives the first one's promise.
   */
  close(): Promise<void>
}

/** A rig for whoever closes it himself: `await using rig = openRig()`, or `rig.close()` in a `finally`. */
export function openRig(options: RigOptions = {}): Rig {
  checkOptions(options, rigRules)
  return new OpenRig(options)
}

/** A proxy as its rig sees it. */
interface Injecting {
  readonly url: string
  heal(): void
  halt(options: { readonly graceMs: number }): Promise<{ readonly errors: readonly Error[] }>
}

class OpenRig implements Rig {
  readonly timeline: Timeline = new Timeline()
  readonly #track = this.timeline.open('rig')
  readonly #options: RigOptions
  readonly #scope = new Scope()
  readonly #closing = new AbortController()
  readonly #clients: Endpoint[] = []
  /** The links of proxies: what they dial is ours, too. */
  readonly #links: ReadonlySet<Link>[] = []
  readonly #proxies: Injecting[] = []
  /** Clients have said goodbye in their turn; whether they were answered is waited for at the end. */
  readonly #goodbyes: Promise<unknown>[] = []
  #closed: Promise<void> | undefined

  constructor(options: RigOptions) {
    this.#options = options
  }

  get signal(): AbortSignal {
    return this.#closing.signal
  }

  async echo(options: RigServerOptions = {}): Promise<GracefulServer> {
    return askedFor(() => this.server(handlers.echo(), options))
  }

  async server(handler: Handler, options: RigServerOptions = {}): Promise<GracefulServer> {
    checkOptions(options, rigServerRules)
    const { allowForced, ...rest } = options
    return this.#part(allowForced, (reported) => openServer(handler, rest, { timeline: this.timeline, holdsPort: true, reported }))
  }

  async supervise(server: ForeignServer, options: RigSuperviseOptions = {}): Promise<SupervisedServer> {
    const { allowForced, ...rest } = options
    return this.#part(allowForced, (reported) => openSupervised(server, rest, { timeline: this.timeline, reported }))
  }

  async http(listener: RequestListener, options: RigSuperviseOptions = {}): Promise<SupervisedServer> {
    const { allowForced, ...rest } = options
    return this.#part(allowForced, (reported) => openHttp(listener, rest, { timeline: this.timeline, reported }))
  }

  async udpEcho(options: UdpServerOptions = {}): Promise<UdpServer> {
    this.#mustBeOpen()
    const server = await askedFor(() => openUdpEcho(options, this.timeline))
    this.#scope.defer(`the server on ${server.url}`, (deadline) => server.stop({ graceMs: deadline.remainingMs }))
    return server
  }

  async proxy(upstream: UpstreamAddress, options: ProxyOptions = {}): Promise<FaultProxy> {
    this.#mustBeOpen()
    const proxy = await askedFor(() => openProxy(upstream, options, { timeline: this.timeline }))
    this.#links.push(proxy.links)
    return this.#injecting(proxy)
  }

  async udpProxy(upstream: UpstreamAddress, options: UdpProxyOptions = {}): Promise<UdpFaultProxy> {
    this.#mustBeOpen()
    return this.#injecting(await askedFor(() => openUdpProxy(upstream, options, { timeline: this.timeline })))
  }

  async connect(to: Address, options: ConnectOptions = {}): Promise<Client> {
    this.#mustBeOpen()
    const client = await askedFor(() => openClient(endpointOf(to), options, this.timeline))
    this.#sayGoodbye(client)
    return client
  }

  spawn(to: Address, options: SpawnOptions & { readonly in: 'process' }): Promise<SpawnedProcessClient>
  spawn(to: Address, options: SpawnOptions): Promise<SpawnedClient>
  async spawn(to: Address, options: SpawnOptions): Promise<SpawnedClient> {
    this.#mustBeOpen()
    const client = await askedFor(() => openSpawned(endpointOf(to), options))
    this.#sayGoodbye(client)
    return client
  }

  async scenario(to: Address, options: ScenarioOptions = {}): Promise<ScenarioReport> {
    this.#mustBeOpen()
    const run = askedFor(() => startScenario(endpointOf(to), options, this.timeline))
    this.#scope.defer('a scenario', (deadline) => {
      run.quit(new NetgraceError('ERR_NETGRACE_STOPPED', 'its test has ended'))
      deadline.onPass(() => run.force())
      return run.report
    })
    return run.report
  }

  async refusing(): Promise<Endpoint> {
    this.#mustBeOpen()
    const held = new HeldPort(DEFAULT_HOST)
    this.#scope.defer('a refusing endpoint', () => held.release())
    return held.hold({ host: DEFAULT_HOST })
  }

  async unanswering(): Promise<Endpoint> {
    this.#mustBeOpen()
    const unanswering = await openUnanswering()
    this.#scope.defer('an unanswering endpoint', () => unanswering.release())
    return unanswering.endpoint
  }

  adopt<T>(thing: T, release: (thing: T) => unknown): T {
    callback('release', release)
    this.#scope.defer('what was adopted', () => release(thing))
    return thing
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#track.record('closing')
    for (const track of this.timeline.tracks()) track.recordWait()
    this.#closing.abort()
    for (const proxy of this.#proxies) proxy.heal()
    const errors = await this.#scope.close(this.#options.graceMs ?? DEFAULT_RIG_GRACE_MS)
    await Promise.all(this.#goodbyes)
    throwAll(errors, 'the rig closed with errors')
  }

  /** Has a client of ours close in its turn; its peer may answer only when that is told to stop. */
  #sayGoodbye(client: { readonly local: Endpoint; closeWithin(ms: number): Promise<unknown> }): void {
    this.#clients.push(client.local)
    this.#scope.defer('a client', (deadline) => {
      this.#goodbyes.push(client.closeWithin(deadline.remainingMs))
    })
  }

  /** Opens a server that is taken down, and judged, with the rest. */
  async #part<S extends AnyServer>(
    allowForced = this.#options.allowForced ?? false,
    open: (reported: (report: StopReport) => void) => Promise<S>,
  ): Promise<S> {
    this.#mustBeOpen()
    const part = await askedFor(() => RigServer.open(allowForced, open))
    const name = `the server on ${part.server.url}`
    this.#scope.defer(name, async (deadline) => {
      throwAll(await part.close(deadline, (peer) => isOneOf(this.#ownClients(), peer)), name)
    })
    return part.server
  }

  /** Has a proxy taken down with the rest; what it could not do, or never met, fails the test. */
  #injecting<P extends Injecting>(proxy: P): P {
    this.#proxies.push(proxy)
    const name = `the proxy on ${withoutPassword(proxy.url)}`
    this.#scope.defer(name, async (deadline) => throwAll((await proxy.halt({ graceMs: deadline.remainingMs })).errors, name))
    return proxy
  }

  #ownClients(): Endpoint[] {
    const dialled = this.#links.flatMap((links) => [...links].flatMap(({ upstream }) => upstream.local ?? []))
    return [...this.#clients, ...dialled]
  }

  #mustBeOpen(): void {
    if (this.#scope.closed) throw new NetgraceError('ERR_NETGRACE_STOPPED', 'the rig has closed: its test is over')
  }
}
