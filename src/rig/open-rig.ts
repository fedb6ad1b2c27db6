import type { RequestListener } from 'node:http'

import { openClient } from '../client/connect.ts'
import type { ConnectOptions } from '../client/connect-options.ts'
import { endpointToDial } from '../client/endpoint-to-dial.ts'
import { onAbort } from '../lifetime/on-abort.ts'
import { askedFor } from '../lifetime/origin.ts'
import { throwAll } from '../lifetime/throw-all.ts'
import type { Client } from '../model/client.ts'
import type { Handler } from '../model/connection.ts'
import type { Address, Endpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import { got } from '../model/invalid.ts'
import { callback } from '../model/options.ts'
import type { StopReport } from '../model/stop-report.ts'
import { withoutPassword } from '../model/without-password.ts'
import type { FaultProxy } from '../proxy/fault-proxy.ts'
import { openProxy } from '../proxy/start-proxy.ts'
import { openUdpProxy } from '../proxy/udp/start-udp-proxy.ts'
import type { UdpProxyOptions } from '../proxy/udp/udp-options.ts'
import type { NetUdpProxy, UdpFaultProxy } from '../proxy/udp/udp-proxy.ts'
import type { UpstreamAddress } from '../proxy/upstream.ts'
import type { ScenarioReport } from '../scenario/report.ts'
import type { ScenarioOptions } from '../scenario/scenario-options.ts'
import { startScenario } from '../scenario/scenario-run.ts'
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
import { siteOf, type CallSite } from '../timeline/call-site.ts'
import { now } from '../timeline/clock.ts'
import { Timeline } from '../timeline/timeline.ts'
import { HeldPort } from '../wire/held-port.ts'
import { OwnEnds } from './own-ends.ts'
import { Parts, type Life } from './parts.ts'
import type { Rig, TcpEndpoint } from './rig.ts'
import {
  checkRigOptions,
  DEFAULT_RIG_GRACE_MS,
  PartOptions,
  type RigOptions,
  type RigPart,
  type RigProxyOptions,
  type RigServerOptions,
  type RigHttpOptions,
  type RigSuperviseOptions,
} from './rig-options.ts'
import { RigProxy } from './rig-proxies.ts'
import { RigServer, type AnyServer } from './rig-servers.ts'

/** A rig for a caller that closes it itself: `await using rig = openRig()`, or `rig.close()` in a `finally`. */
export function openRig(options: RigOptions = {}): Rig {
  checkRigOptions(options)
  return new OpenRig(options)
}

/** A client, of this process or of another. */
interface AnyClient {
  readonly local: Endpoint
  readonly peer: Endpoint
  readonly ended: Promise<unknown>
  closeWithin(ms: number): Promise<unknown>
}

class OpenRig implements Rig {
  readonly timeline: Timeline = new Timeline()
  readonly #track = this.timeline.open('rig')
  readonly #graceMs: number
  readonly #options: PartOptions
  readonly #parts = new Parts()
  readonly #own = new OwnEnds()
  readonly #servers = new Set<RigServer<AnyServer>>()
  readonly #proxies = new Set<RigProxy>()
  readonly #healable = new Set<{ heal(): void }>()
  /** Of parts that have been let go of. */
  readonly #errors: Error[] = []
  /** Clients have sent their FIN in their turn; whether it was answered is waited for at the end. */
  readonly #goodbyes: Promise<unknown>[] = []
  #closed: Promise<void> | undefined

  constructor(options: RigOptions) {
    this.#graceMs = options.graceMs ?? DEFAULT_RIG_GRACE_MS
    this.#options = new PartOptions(options)
  }

  get signal(): AbortSignal {
    return this.#parts.signal
  }

  echo(options: RigServerOptions = {}): Promise<GracefulServer> {
    return askedFor(() => this.server(handlers.echo(), options))
  }

  server(handler: Handler, options: RigServerOptions = {}): Promise<GracefulServer> {
    const setup = { timeline: this.timeline, holdsPort: true }
    return this.#server(
      'ours',
      siteOf(this, 'server'),
      () => this.#options.server(options),
      (rest, reported) => openServer(handler, rest, { ...setup, reported }),
    )
  }

  supervise(server: ForeignServer, options: RigSuperviseOptions = {}): Promise<SupervisedServer> {
    return this.#server(
      'supervised',
      siteOf(this, 'supervise'),
      () => this.#options.supervise(options),
      (rest, reported) => openSupervised(server, rest, { timeline: this.timeline, reported }),
    )
  }

  http(listener: RequestListener, options: RigHttpOptions = {}): Promise<SupervisedServer> {
    return this.#server(
      'supervised',
      siteOf(this, 'http'),
      () => this.#options.http(options),
      (rest, reported) => openHttp(listener, rest, { timeline: this.timeline, reported }),
    )
  }

  udpEcho(options: UdpServerOptions = {}): Promise<UdpServer> {
    return this.#parts.open({
      what: 'a UDP server',
      site: siteOf(this, 'udpEcho'),
      open: async ({ ended }) => {
        const server = await openUdpEcho(options, this.timeline)
        onAbort(server.quit, () => void server.stop().then(ended))
        return server
      },
      give: (server) => server,
      name: ({ url }) => `the server on ${url}`,
      close: (server, deadline) => server.stop({ graceMs: deadline.remainingMs }),
    })
  }

  proxy(upstream: UpstreamAddress, options: RigProxyOptions = {}): Promise<FaultProxy> {
    const site = siteOf(this, 'proxy')
    const dialled = (local: Endpoint, peer: Endpoint): (() => void) => this.#own.opened(local, peer)
    return this.#parts.open({
      what: 'a proxy',
      site,
      open: async ({ cancel, ended }) => {
        const { rest, rules } = this.#options.proxy(options)
        const stopped = (errors: readonly Error[]): void => this.#hasStopped(ended, rest, errors)
        const proxy = await openProxy(upstream, rest, { timeline: this.timeline, cancel, dialled, stopped })
        const part = new RigProxy(proxy, { ...rules, site, note: (text) => this.#track.record('note', text) })
        this.#proxies.add(part)
        this.#healable.add(proxy)
        return part
      },
      give: ({ proxy }) => proxy,
      name: ({ name }) => name,
      close: async (part, deadline) => {
        this.#testHasEnded()
        throwAll(await part.close(deadline, this.#own), part.name)
      },
      letGo: (part) => {
        this.#proxies.delete(part)
        this.#healable.delete(part.proxy)
      },
    })
  }

  udpProxy(upstream: UpstreamAddress, options: UdpProxyOptions = {}): Promise<UdpFaultProxy> {
    const name = ({ url }: UdpFaultProxy): string => `the proxy on ${withoutPassword(url)}`
    return this.#parts.open<NetUdpProxy, UdpFaultProxy>({
      what: 'a UDP proxy',
      site: siteOf(this, 'udpProxy'),
      open: async ({ ended }) => {
        const stopped = (errors: readonly Error[]): void => this.#hasStopped(ended, options, errors)
        const proxy = await openUdpProxy(upstream, options, { timeline: this.timeline, stopped })
        this.#healable.add(proxy)
        return proxy
      },
      give: (proxy) => proxy,
      name,
      close: async (proxy, deadline) => throwAll((await proxy.halt({ graceMs: deadline.remainingMs })).errors, name(proxy)),
      letGo: (proxy) => this.#healable.delete(proxy),
    })
  }

  connect(to: Address, options: ConnectOptions = {}): Promise<Client> {
    const by = siteOf(this, 'connect')
    return this.#client('a client', by, ({ cancel }) => openClient(endpointToDial(to, options), options, this.timeline, { by, cancel }))
  }

  spawn(to: Address, options: SpawnOptions & { readonly in: 'process' }): Promise<SpawnedProcessClient>
  spawn(to: Address, options: SpawnOptions): Promise<SpawnedClient>
  spawn(to: Address, options: SpawnOptions): Promise<SpawnedClient> {
    return this.#client('a spawned client', siteOf(this, 'spawn'), ({ cancel }) =>
      openSpawned(endpointToDial(to, options), options, cancel),
    )
  }

  async scenario(to: Address, options: ScenarioOptions = {}): Promise<ScenarioReport> {
    this.#parts.mustBeOpen()
    const run = askedFor(() => startScenario(endpointToDial(to, undefined), options, this.timeline))
    const forget = this.#parts.defer({
      name: () => 'a scenario',
      site: siteOf(this, 'scenario'),
      release: (deadline) => {
        run.quit(new NetgraceError('ERR_NETGRACE_STOPPED', 'its test has ended'))
        deadline.onPass(() => run.force())
        return run.report
      },
    })
    return run.report.finally(forget)
  }

  refusing(): Promise<TcpEndpoint> {
    return this.#parts.open({
      what: 'a refusing endpoint',
      site: siteOf(this, 'refusing'),
      open: async () => {
        const port = new HeldPort(DEFAULT_HOST)
        try {
          return { port, endpoint: await port.hold({ host: DEFAULT_HOST }) }
        } catch (error) {
          await port.release()
          throw error
        }
      },
      give: ({ endpoint }) => endpoint,
      close: ({ port }) => port.release(),
    })
  }

  unanswering(): Promise<TcpEndpoint> {
    return this.#parts.open({
      what: 'an unanswering endpoint',
      site: siteOf(this, 'unanswering'),
      open: () => openUnanswering(),
      give: ({ endpoint }) => endpoint,
      close: (unanswering) => unanswering.release(),
    })
  }

  adopt<T>(thing: T, release: (thing: T) => unknown): T {
    callback('release', release)
    const site = siteOf(this, 'adopt')
    this.#parts.defer({ name: () => `${kindOf(thing)}, adopted ${site.toString()},`, site, release: () => release(thing) })
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
    this.timeline.recordWaits()
    this.timeline.closingSinceMs = now()
    this.#own.settle()
    this.#parts.cancel()
    for (const proxy of this.#healable) proxy.heal()
    for (const server of this.#servers) server.readToEnd()
    const errors = await this.#parts.close(this.#graceMs)
    await Promise.all(this.#goodbyes)
    throwAll([...this.#errors, ...errors], 'the rig closed with errors')
  }

  /** Opens a client that closes in its turn; its peer may answer only when that is told to stop. */
  #client<C extends AnyClient>(what: string, site: CallSite, open: (life: Life) => Promise<C>): Promise<C> {
    return this.#parts.open({
      what,
      site,
      open: async (life) => {
        const client = await open(life)
        const closed = this.#own.opened(client.local, client.peer)
        void client.ended.then(closed).then(life.ended)
        return client
      },
      give: (client) => client,
      close: (client, deadline) => void this.#goodbyes.push(client.closeWithin(deadline.remainingMs)),
    })
  }

  /** Opens a server that is taken down, and judged, with the rest. One of ours that is stopped stays: it holds its port, and may start again. */
  #server<Options extends object, S extends AnyServer>(
    kind: 'ours' | 'supervised',
    site: CallSite,
    parse: () => RigPart<Options>,
    open: (rest: Options, reported: (report: StopReport) => void) => Promise<S>,
  ): Promise<S> {
    const note = (text: string): void => this.#track.record('note', text)
    const handlerErrors: Error[] = []
    return this.#parts.open({
      what: 'a server',
      site,
      open: async ({ ended }) => {
        const { rest, rules } = parse()
        const server = await open(rest, (report) => {
          handlerErrors.push(...report.errors)
          if (kind === 'supervised') ended()
        })
        const setup = { ...rules, holdsPort: kind === 'ours', endsConnections: 'closing' in rest && rest.closing !== undefined, site, note }
        const part = new RigServer(server, handlerErrors, setup)
        this.#servers.add(part)
        return part
      },
      give: ({ server }) => server,
      name: ({ name }) => name,
      close: async (part, deadline) => {
        this.#testHasEnded()
        throwAll(await part.close(deadline, this.#own), part.name)
      },
      letGo: (part) => {
        this.#servers.delete(part)
        this.#errors.push(...handlerErrors)
      },
    })
  }

  /** A proxy has stopped. The test has its report, unless a signal stopped it. */
  #hasStopped(ended: () => void, { signal }: { readonly signal?: AbortSignal | undefined }, errors: readonly Error[]): void {
    if (!this.signal.aborted && signal?.aborted) this.#errors.push(...errors)
    ended()
  }

  /** The first server or proxy is about to stop. */
  #testHasEnded(): void {
    for (const proxy of this.#proxies) proxy.testHasEnded()
  }
}

/** `PaymentGateway`, where a thing has a class of its own; else the thing, in short. */
function kindOf(thing: unknown): string {
  const kind = typeof thing === 'object' && thing !== null ? (Object.getPrototypeOf(thing) as object | null)?.constructor?.name : undefined
  return kind && kind !== 'Object' ? kind : got(thing)
}
