import { expect, test } from 'vitest'

import type * as netgrace from '../../src/index.ts'
import { connect, faults, handlers, openRig, runScenario, startServer, startUdpEchoServer } from '../../src/index.ts'

/** `exactOptionalPropertyTypes` is on here: an option that may not be given as `undefined` does not compile (`npm run types`). */
type Undefined<Options> = { readonly [Key in keyof Options as undefined extends Options[Key] ? Key : never]: undefined }
type Given<Options> = Undefined<Required<{ [Key in keyof Options]: Options[Key] | undefined }>>

/** Every optional key of each, as `undefined`: what does not allow it is an error at its line. */
export const ALLOWED: readonly [
  Given<Partial<netgrace.ServerOptions>> extends netgrace.ServerOptions ? true : never,
  Given<Partial<netgrace.StopOptions>> extends netgrace.StopOptions ? true : never,
  Given<Partial<netgrace.ConnectOptions>> extends netgrace.ConnectOptions ? true : never,
  Given<Partial<netgrace.WaitOptions>> extends netgrace.WaitOptions ? true : never,
  Given<Partial<netgrace.SuperviseOptions>> extends netgrace.SuperviseOptions ? true : never,
  Given<Partial<netgrace.HttpOptions>> extends netgrace.HttpOptions ? true : never,
  Given<Partial<netgrace.CheckOptions>> extends netgrace.CheckOptions ? true : never,
  Given<Partial<netgrace.ProxyOptions>> extends netgrace.ProxyOptions ? true : never,
  Given<Partial<netgrace.UdpProxyOptions>> extends netgrace.UdpProxyOptions ? true : never,
  Given<Partial<netgrace.UdpServerOptions>> extends netgrace.UdpServerOptions ? true : never,
  Given<Partial<netgrace.UdpClientOptions>> extends netgrace.UdpClientOptions ? true : never,
  Given<Partial<netgrace.Where>> extends netgrace.Where ? true : never,
  Given<Partial<netgrace.After>> extends netgrace.After ? true : never,
  Given<Partial<netgrace.ScenarioOptions>> extends netgrace.ScenarioOptions ? true : never,
  Given<Partial<netgrace.RigOptions>> extends netgrace.RigOptions ? true : never,
  Given<Partial<netgrace.RigHttpOptions>> extends netgrace.RigHttpOptions ? true : never,
  Given<Partial<netgrace.LeakOptions>> extends netgrace.LeakOptions ? true : never,
  Given<Partial<netgrace.TestCertificateOptions>> extends netgrace.TestCertificateOptions ? true : never,
] = [true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true]

test('an option that is undefined counts as not given', async () => {
  const server = await startServer(handlers.drip({ everyMs: 1, line: undefined, greeting: undefined }), {
    host: undefined,
    port: undefined,
    path: undefined,
    graceMs: undefined,
    closing: undefined,
    signal: undefined,
    tls: undefined,
  })
  const client = await connect(server, { connectTimeoutMs: undefined, idleTimeoutMs: undefined, localAddress: undefined, tls: undefined })
  expect(await client.readLine({ withinMs: undefined, signal: undefined })).toMatch(/^packet/)
  await client.close()
  expect(await server.stop({ graceMs: undefined, holdPort: undefined })).toMatchObject({ forced: [], errors: [] })

  const rig = openRig({ graceMs: undefined, allowForced: undefined })
  const proxy = await rig.proxy(await rig.echo(), { seed: undefined, faults: undefined, dialTimeoutMs: undefined })
  proxy.inject(faults.latency({ ms: 1, jitterMs: undefined }), { direction: undefined, after: undefined, times: undefined })
  const report = await runScenario(proxy, { clients: undefined, messages: 2, in: undefined, workers: undefined, message: undefined })
  expect(report).toMatchObject({ ok: true, sent: 20 })
  await rig.close()

  const udp = await startUdpEchoServer({ host: undefined, port: undefined, graceMs: undefined, signal: undefined })
  await udp.stop({ graceMs: undefined })
})
