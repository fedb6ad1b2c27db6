import type { RequestListener } from 'node:http'

import type { ConnectOptions } from '../client/connect-options.ts'
import type { Client } from '../model/client.ts'
import type { Handler } from '../model/connection.ts'
import type { Address, Endpoint } from '../model/endpoint.ts'
import type { FaultProxy } from '../proxy/fault-proxy.ts'
import type { UdpProxyOptions } from '../proxy/udp/udp-options.ts'
import type { UdpFaultProxy } from '../proxy/udp/udp-proxy.ts'
import type { UpstreamAddress } from '../proxy/upstream.ts'
import type { ScenarioReport } from '../scenario/report.ts'
import type { ScenarioOptions } from '../scenario/scenario-options.ts'
import type { GracefulServer } from '../server/graceful-server.ts'
import type { ForeignServer } from '../server/supervise/foreign-server.ts'
import type { SupervisedServer } from '../server/supervise/supervised-server.ts'
import type { UdpServerOptions } from '../server/udp/start-udp-echo-server.ts'
import type { UdpServer } from '../server/udp/udp-server.ts'
import type { SpawnOptions } from '../spawn/spawn-client.ts'
import type { SpawnedClient, SpawnedProcessClient } from '../spawn/spawned-client.ts'
import type { Timeline } from '../timeline/timeline.ts'
import type { RigHttpOptions, RigProxyOptions, RigServerOptions, RigSuperviseOptions } from './rig-options.ts'

/** A host and a port. */
export type TcpEndpoint = Extract<Endpoint, { readonly host: string }>

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
  /**
   * An HTTP server on a free loopback port around a listener: a function, an Express app, Koa's `app.callback()`. With
   * `{ tls: true }` an HTTPS server, with a certificate for tests; its clients trust the server's `ca`.
   */
  http(listener: RequestListener, options?: RigHttpOptions): Promise<SupervisedServer>
  /** A UDP echo server on a free loopback port. */
  udpEcho(options?: UdpServerOptions): Promise<UdpServer>
  /** A proxy that injects faults, in front of `upstream`. A fault that never triggered fails the test. */
  proxy(upstream: UpstreamAddress, options?: RigProxyOptions): Promise<FaultProxy>
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
  refusing(): Promise<TcpEndpoint>
  /** An endpoint that never answers a connect: for connect timeouts. */
  unanswering(): Promise<TcpEndpoint>
  /**
   * Anything else: `release(thing)` runs in its turn, and is waited for. Adopted while the rig closes, it is released at once, and the
   * close waits for it. Adopted later, it is released at once, and what its release throws is an unhandled rejection, which fails the run.
   */
  adopt<T>(thing: T, release: (thing: T) => unknown): T
  /** Aborts when the rig begins to close. */
  readonly signal: AbortSignal
  /** What happened to all parts, on one clock. */
  readonly timeline: Timeline
  /**
   * Takes the parts down, newest first, and throws what went wrong, once: what handlers threw, handlers that never
   * settled, connections of foreign clients that had to be cut, releases that failed. What is still being opened is cancelled,
   * or taken down as soon as it is there; its caller's promise rejects with `ERR_NETGRACE_STOPPED`. A second call gives the first
   * one's promise.
   */
  close(): Promise<void>
}
