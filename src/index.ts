export { connect } from './client/connect.ts'
export type { ConnectOptions } from './client/connect-options.ts'
export type { Client, Data, WaitOptions } from './model/client.ts'
export type { Connection, ConnectionRecord, Handler } from './model/connection.ts'
export { describeEnding } from './model/describe-ending.ts'
export type { Ending, EndingKind } from './model/ending.ts'
export type { Address, Endpoint } from './model/endpoint.ts'
export { ConnectError, ConnectionEndedError, FaultUnusedError, NetgraceError, type NetgraceErrorCode } from './model/errors.ts'
export type { StopReport } from './model/stop-report.ts'
export type { GracefulServer, ServerState } from './server/graceful-server.ts'
export type { DripOptions } from './server/handlers/drip.ts'
export { handlers } from './server/handlers/handlers.ts'
export type { ScriptStep } from './server/handlers/script.ts'
export { ForcedConnectionError } from './rig/forced.ts'
export { openRig } from './rig/open-rig.ts'
export type { Rig, TcpEndpoint } from './rig/rig.ts'
export { rigFor } from './rig/rig-for.ts'
export type { SuiteContextLike, TestContextLike } from './rig/node-suite.ts'
export type { JestHooks } from './rig/jest-hooks.ts'
export type { MochaHookContext } from './rig/mocha-hooks.ts'
export type {
  ForeignOptions,
  RigHttpOptions,
  RigOptions,
  RigProxyOptions,
  RigServerOptions,
  RigSuperviseOptions,
} from './rig/rig-options.ts'
export type { ServerOptions, StopOptions } from './server/server-options.ts'
export { startEchoServer, startServer } from './server/start-server.ts'
export { assertNoLeaks, findLeaks } from './leaks/find.ts'
export { watchLeaks } from './leaks/watch.ts'
export { LeakError } from './leaks/leak-error.ts'
export type { AssertNoLeaksOptions, FoundLeaks, Leak, LeakFilter, LeakKind, LeakOptions, LeakSite, LeakWatch } from './model/leak.ts'
export { runScenario } from './scenario/run-scenario.ts'
export { ScenarioError } from './scenario/scenario-error.ts'
export type { ClientReport, Latency, ScenarioReport } from './scenario/report.ts'
export type { ScenarioProgress } from './scenario/progress.ts'
export type { ScenarioOptions } from './scenario/scenario-options.ts'
export { openUdpClient, type UdpClientOptions } from './client/udp/open-udp-client.ts'
export type { UdpClient } from './client/udp/udp-client.ts'
export { startUdpEchoServer, type UdpServerOptions } from './server/udp/start-udp-echo-server.ts'
export type { UdpServer, UdpStopReport } from './server/udp/udp-server.ts'
export type { KeepAlive } from './client/keep-alive.ts'
export type { Closing } from './server/closing.ts'
export { spawnClient, type SpawnOptions } from './spawn/spawn-client.ts'
export type { SpawnedClient, SpawnedProcessClient } from './spawn/spawned-client.ts'
export { superviseServer } from './server/supervise/supervise-server.ts'
export { checkGracefulHttpServer } from './server/supervise/check/check-graceful-http-server.ts'
export type { CheckOptions, HttpServerToCheck } from './server/supervise/check/check-options.ts'
export type { CheckReport } from './server/supervise/check/check-report.ts'
export type { ForeignServer } from './server/supervise/foreign-server.ts'
export type { HttpOptions, SupervisedStopOptions, SuperviseOptions } from './server/supervise/supervise-options.ts'
export type { ConnectionUse, SupervisedConnection, SupervisedRecord } from './server/supervise/supervised-connection.ts'
export type { SupervisedServer } from './server/supervise/supervised-server.ts'
export type { SupervisedStopReport } from './server/supervise/supervision.ts'
export { testCertificate, type TestCertificate, type TestCertificateOptions } from './wire/certificate/test-certificate.ts'
export { faults } from './faults/faults.ts'
export type { BandwidthOptions } from './faults/bandwidth.ts'
export type { CorruptOptions } from './faults/corrupt.ts'
export type { LatencyOptions } from './faults/latency.ts'
export type { ReorderOptions } from './faults/reorder.ts'
export type { SlicerOptions } from './faults/slicer.ts'
export type { SlowCloseOptions } from './faults/slow-close.ts'
export type {
  ConnectContext,
  ConnectFault,
  Copy,
  DatagramContext,
  Direction,
  Fault,
  LaneContext,
  ListenerFault,
  Random,
  Stage,
  TimerQueue,
  UdpFault,
  Verdict,
} from './model/fault.ts'
export { END, RST, type Item } from './model/item.ts'
export type { Link, LinkBytes, LinkRecord, LinkSide } from './model/link.ts'
export type { After, Every, Pattern, Where } from './model/where.ts'
export type { FaultProxy } from './proxy/fault-proxy.ts'
export type { InjectedFault } from './proxy/injection.ts'
export type { TcpFault } from './proxy/injections.ts'
export type { MiddleTlsOptions } from './proxy/middle-tls.ts'
export type { ProxyOptions } from './proxy/proxy-options.ts'
export type { SawOptions } from './proxy/sightings.ts'
export { startProxy } from './proxy/start-proxy.ts'
export { startUdpProxy } from './proxy/udp/start-udp-proxy.ts'
export type { UdpCounts, UdpSession } from './proxy/udp/session.ts'
export type { UdpProxyOptions, UdpWhere } from './proxy/udp/udp-options.ts'
export type { UdpFaultProxy, UdpProxyReport } from './proxy/udp/udp-proxy.ts'
export type { UpstreamAddress } from './proxy/upstream.ts'
