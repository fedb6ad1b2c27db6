import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { faults } from '../../src/faults/faults.ts'
import type { Fault } from '../../src/model/fault.ts'
import type { InjectedFault } from '../../src/proxy/injection.ts'
import { bareClient, bareServer, closed, openSockets, turns, until } from '../support.ts'
import { Collected, noise, proxyTo } from './parts.ts'

/** Faults that lose nothing, and those that may. */
const KEEPING: readonly (() => Fault)[] = [
  () => faults.latency({ ms: 2 }),
  () => faults.latency({ ms: 1, jitterMs: 3 }),
  () => faults.bandwidth({ bytesPerSecond: 20_000_000 }),
  () => faults.stall(),
  () => faults.slowClose({ ms: 3 }),
  () => faults.slicer({ size: 500, variation: 400 }),
  () => faults.slicer({ size: 3000, gapMs: 1 }),
]
const LOSING: readonly (() => Fault)[] = [() => faults.blackhole(), () => faults.reset(), () => faults.end()]

const where = fc.record({
  direction: fc.constantFrom('upstream' as const, 'downstream' as const, 'both' as const),
  after: fc.oneof(
    fc.constant({}),
    fc.record({ bytes: fc.nat(20_000) }),
    fc.record({ ms: fc.nat(3) }),
    fc.record({ bytes: fc.nat(5000), ms: fc.nat(2) }),
  ),
})

const act = (kinds: number): fc.Arbitrary<Act> =>
  fc.oneof(
    fc.record({ do: fc.constant('inject' as const), kind: fc.nat(kinds - 1), where }),
    fc.record({ do: fc.constant('heal' as const), which: fc.nat(9) }),
    fc.record({
      do: fc.constant('send' as const),
      by: fc.constantFrom('client' as const, 'server' as const),
      bytes: fc.integer({ min: 1, max: 30_000 }),
    }),
    fc.record({ do: fc.constant('wait' as const), turns: fc.nat(5) }),
  )

type Act =
  | { readonly do: 'inject'; readonly kind: number; readonly where: object }
  | { readonly do: 'heal'; readonly which: number }
  | { readonly do: 'send'; readonly by: 'client' | 'server'; readonly bytes: number }
  | { readonly do: 'wait'; readonly turns: number }

interface Life {
  readonly kinds: readonly (() => Fault)[]
  readonly acts: readonly Act[]
  /** How the client and the server end, once the acts are done; a reset comes first. */
  readonly last: { readonly client: 'end' | 'reset'; readonly server: 'end' | 'reset' }
}

/** Lives one life, and gives what was sent and what came. */
async function live(bare: Awaited<ReturnType<typeof bareServer>>, { kinds, acts, last }: Life) {
  const proxy = await proxyTo(() => bare, { graceMs: 500 })
  const client = await bareClient(proxy)
  const server = await bare.socket()
  const sockets = { client, server }
  const come = { client: new Collected(client), server: new Collected(server) }
  const sent = { client: [] as Buffer[], server: [] as Buffer[] }
  const injected: InjectedFault[] = []
  for (const one of acts) {
    if (one.do === 'inject') injected.push(proxy.inject(kinds[one.kind]!(), { ...one.where, optional: true }))
    else if (one.do === 'heal') injected.splice(one.which, 1)[0]?.heal()
    else if (one.do === 'wait') await turns(one.turns)
    else if (sockets[one.by].writable) {
      const bytes = noise(one.bytes)
      sent[one.by].push(bytes)
      sockets[one.by].write(bytes)
    }
  }
  for (const by of ['client', 'server'] as const) {
    if (last[by] === 'end') sockets[by].end()
    else sockets[by].resetAndDestroy()
  }
  proxy.heal()
  const report = { proxy, come, sent: { client: Buffer.concat(sent.client), server: Buffer.concat(sent.server) }, sockets }
  return report
}

test('whatever is injected and healed, faults that lose nothing lose nothing', { timeout: 60_000 }, async () => {
  const bare = await bareServer()
  const lives = fc.asyncProperty(fc.array(act(KEEPING.length), { maxLength: 25 }), async (acts) => {
    const { proxy, come, sent, sockets } = await live(bare, { kinds: KEEPING, acts, last: { client: 'end', server: 'end' } })
    await Promise.all([closed(sockets.client), closed(sockets.server)])
    expect(come.server.bytes.equals(sent.client)).toBe(true)
    expect(come.client.bytes.equals(sent.server)).toBe(true)
    expect([come.client.ended, come.server.ended]).toStrictEqual([true, true])
    await until(() => proxy.links.size === 0)
    expect(proxy.history).toMatchObject([{ bytes: { upstream: sent.client.length, downstream: sent.server.length } }])
    expect(await proxy.stop()).toMatchObject({ accepted: 1, endedBefore: 1, errors: [] })
  })
  await fc.assert(lives, { numRuns: 150 })
})

test(
  'whatever happens, what comes is a beginning of what was sent, every link is over in time, and nothing is left open',
  { timeout: 60_000 },
  async () => {
    const bare = await bareServer()
    const open = openSockets()
    const kinds = [...KEEPING, ...LOSING]
    const ending = fc.constantFrom('end' as const, 'reset' as const)
    const lives = fc.asyncProperty(
      fc.array(act(kinds.length), { maxLength: 25 }),
      fc.record({ client: ending, server: ending }),
      async (acts, last) => {
        const { proxy, come, sent, sockets } = await live(bare, { kinds, acts, last })
        expect(sent.client.subarray(0, come.server.size).equals(come.server.bytes)).toBe(true)
        expect(sent.server.subarray(0, come.client.size).equals(come.client.bytes)).toBe(true)
        const report = await proxy.stop()
        expect(report.errors).toStrictEqual([])
        expect(report.endedBefore + report.drained.length + report.forced.length).toBe(report.accepted)
        for (const socket of Object.values(sockets)) socket.destroy()
        await Promise.all(Object.values(sockets).map(closed))
      },
    )
    await fc.assert(lives, { numRuns: 150 })
    await until(() => openSockets() === open)
  },
)
