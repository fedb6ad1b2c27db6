import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { faults } from '../../../src/faults/faults.ts'
import type { UdpFault } from '../../../src/model/fault.ts'
import type { InjectedFault } from '../../../src/proxy/injection.ts'
import { startUdpProxy } from '../../../src/proxy/udp/start-udp-proxy.ts'
import type { UdpWhere } from '../../../src/proxy/udp/udp-options.ts'
import { openSockets, turn, until } from '../../support.ts'

/** `NETGRACE_ROUNDS` is how many lives. A failure says seed and path: `NETGRACE_SEED=… NETGRACE_PATH=…` lives that one again. */
const { NETGRACE_ROUNDS: ROUNDS = '150', NETGRACE_SEED: SEED, NETGRACE_PATH: PATH } = process.env

const GRACE_MS = 100
/** A kernel keeps some 256 small datagrams for a socket; a life sends fewer than that, or it would lose some itself. */
const MOST_SENT = 100

const CLIENTS = 3

/** Faults, and whether a datagram may be lost, doubled, overtaken or changed by them. */
const KINDS: Readonly<Record<string, { make(ms: number): UdpFault; may?: 'lose' | 'double' | 'overtake' | 'change' }>> = {
  drop: { make: () => faults.drop(), may: 'lose' },
  duplicate: { make: () => faults.duplicate(), may: 'double' },
  reorder: { make: (ms) => faults.reorder({ ms: ms + 1 }), may: 'overtake' },
  latency: { make: (ms) => faults.latency({ ms }) },
  jitter: { make: (ms) => faults.latency({ ms, jitterMs: ms + 1 }), may: 'overtake' },
  stall: { make: () => faults.stall() },
  bandwidth: { make: (ms) => faults.bandwidth({ bytesPerSecond: 20_000 * (ms + 1) }) },
  corrupt: { make: () => faults.corrupt(), may: 'change' },
}

const where: fc.Arbitrary<UdpWhere> = fc.record(
  {
    direction: fc.constantFrom('upstream', 'downstream', 'both'),
    times: fc.integer({ min: 1, max: 5 }),
    probability: fc.constantFrom(0, 0.5, 1),
    after: fc.record(
      { bytes: fc.integer({ min: 0, max: 60 }), match: fc.constant(':1:'), ms: fc.integer({ min: 0, max: 3 }) },
      { requiredKeys: [] },
    ),
    optional: fc.constant(true),
  },
  { requiredKeys: ['optional'] },
)

type Step =
  | { readonly do: 'send'; readonly client: number; readonly count: number }
  | { readonly do: 'inject'; readonly kind: string; readonly ms: number; readonly where: UdpWhere }
  | { readonly do: 'heal'; readonly which: number }
  | { readonly do: 'turn' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('send' as const), client: fc.nat(CLIENTS - 1), count: fc.integer({ min: 1, max: 6 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('inject' as const), kind: fc.constantFrom(...Object.keys(KINDS)), ms: fc.nat(4), where }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('heal' as const), which: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.constant({ do: 'turn' as const }) },
)

const uncaught: unknown[] = []
const note = (error: unknown): void => void uncaught.push(error)

beforeAll(() => void process.on('uncaughtException', note).on('unhandledRejection', note))
afterAll(() => void process.off('uncaughtException', note).off('unhandledRejection', note))

test(
  `${ROUNDS} random lives: what faults do not take arrives, whole, once and in order; counts add up; a stop is done in time; nothing is left open`,
  { timeout: 600_000 },
  async () => {
    const open = openSockets()
    const life = fc.record({ seed: fc.nat(2 ** 32 - 1), steps: fc.array(step, { minLength: 4, maxLength: 25 }), healsAtEnd: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(life, async ({ seed, steps, healsAtEnd }) => {
        await live(seed, steps, healsAtEnd)
        expect(uncaught).toStrictEqual([])
      }),
      {
        numRuns: Number(ROUNDS),
        endOnFailure: true,
        timeout: 10_000,
        ...(SEED === undefined ? {} : { seed: Number(SEED) }),
        ...(PATH === undefined ? {} : { path: PATH }),
      },
    )
    await until(() => openSockets() === open)
  },
)

async function live(seed: number, steps: readonly Step[], healsAtEnd: boolean): Promise<void> {
  const server = await bound()
  const arrived: string[] = []
  server.on('message', (data) => arrived.push(data.toString('latin1')))
  const proxy = await startUdpProxy({ host: '127.0.0.1', port: server.address().port }, { seed, graceMs: GRACE_MS })
  const clients = await Promise.all(Array.from({ length: CLIENTS }, bound))
  const sent: string[] = []
  const injected: { readonly fault: InjectedFault; readonly kind: string; readonly where: UdpWhere }[] = []
  try {
    for (const one of steps) {
      if (one.do === 'turn') await turn()
      else if (one.do === 'heal') injected[one.which]?.fault.heal()
      else if (one.do === 'inject') {
        if (one.kind === 'duplicate' && injected.some(({ kind }) => kind === 'duplicate')) continue // four times as many would be too many
        injected.push({ fault: proxy.inject(KINDS[one.kind]!.make(one.ms), one.where), kind: one.kind, where: one.where })
      } else {
        for (let n = 0; n < one.count && sent.length < MOST_SENT; n++) {
          const data = `${one.client}:${sent.length}:${'x'.repeat(sent.length % 40)}`
          sent.push(data)
          clients[one.client]!.send(data, proxy.port, proxy.host)
        }
      }
    }
    const senders = new Set(sent.map((data) => data.split(':')[0]))
    await until(() => sum([...proxy.sessions].map(({ upstream }) => upstream.received)) === sent.length)
    if (healsAtEnd) proxy.heal()
    const startedAt = performance.now()
    const report = await proxy.stop()
    expect(performance.now() - startedAt).toBeLessThan(GRACE_MS + 2000)
    expect(report).toMatchObject({ sessions: senders.size, upstream: { received: sent.length }, errors: [] })
    await until(() => arrived.length >= report.upstream.passed)
    expect(arrived).toHaveLength(report.upstream.passed)
    for (const {
      fault,
      where: { times = Infinity },
    } of injected)
      expect(fault.hits).toBeLessThanOrEqual(times)
    const may = new Set(injected.filter((one) => one.where.direction !== 'downstream').map(mayDo))
    if (!may.has('change')) judge(sent, arrived, may)
  } finally {
    await proxy.stop({ graceMs: 0 }).catch(() => {})
    for (const socket of [server, ...clients]) socket.close()
  }
}

/** What it may do to datagrams upstream. One that delays some of them lets the others overtake. */
function mayDo({ kind, where: { times, probability } }: { readonly kind: string; readonly where: UdpWhere }): string {
  return KINDS[kind]!.may ?? (times !== undefined || probability === 0.5 ? 'overtake' : 'delay')
}

function judge(sent: readonly string[], arrived: readonly string[], may: ReadonlySet<string>): void {
  for (const data of arrived) expect(sent).toContain(data)
  if (!may.has('lose')) expect(new Set(arrived).size).toBe(sent.length)
  if (!may.has('double')) expect(new Set(arrived).size).toBe(arrived.length)
  if (may.has('overtake')) return
  for (let client = 0; client < CLIENTS; client++) {
    const own = arrived.filter((data) => data.startsWith(`${client}:`)).map((data) => sent.indexOf(data))
    expect(own).toStrictEqual(own.toSorted((a, b) => a - b))
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
