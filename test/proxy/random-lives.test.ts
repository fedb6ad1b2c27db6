import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Direction } from '../../src/model/fault.ts'
import type { Link, LinkRecord } from '../../src/model/link.ts'
import { resetMayReadAsEnd } from '../../src/wire/platform.ts'
import { openSockets, until } from '../support.ts'
import { carried, type End, KINDS, live, type Lived, lives } from './life.ts'

/** `NETGRACE_ROUNDS` is how many lives. A failure says seed and path: `NETGRACE_SEED=… NETGRACE_PATH=…` lives that one again. */
const { NETGRACE_ROUNDS: ROUNDS = '1000', NETGRACE_SEED: SEED, NETGRACE_PATH: PATH } = process.env

/** No life takes nearly as long; one that does hangs. */
const HANGS_MS = 10_000

const uncaught: unknown[] = []
const note = (error: unknown): void => void uncaught.push(error)

beforeAll(() => void process.on('uncaughtException', note).on('unhandledRejection', note))
afterAll(() => void process.off('uncaughtException', note).off('unhandledRejection', note))

test(
  `${ROUNDS} random lives: no byte is lost but by a fault that says so, every link is over in time, and nothing is left open`,
  { timeout: 600_000 },
  async () => {
    const open = openSockets()
    const seen = new Seen()
    const property = fc.asyncProperty(lives, async (life) => {
      const lived = await live(life)
      await judge(lived)
      expect(uncaught).toStrictEqual([])
      seen.add(lived)
      for (const end of [...lived.clients, ...lived.servers]) end.forget()
    })
    await fc.assert(property, {
      numRuns: Number(ROUNDS),
      unbiased: true,
      endOnFailure: true, // the kernel has its part in each life: what fails once may not fail again, shortened
      timeout: HANGS_MS,
      ...(SEED === undefined ? {} : { seed: Number(SEED) }),
      ...(PATH === undefined ? {} : { path: PATH }),
    })
    await until(() => openSockets() === open)
    expect(seen.portsTaken).toBeLessThanOrEqual(1 + Number(ROUNDS) / 1000)
    if (PATH === undefined && Number(ROUNDS) >= 300) seen.wasEnough()
  },
)

async function judge(lived: Lived): Promise<void> {
  const { proxy, links, clients, servers, injected, cut } = lived
  for (const { where, fault } of injected) expect(fault.hits).toBeLessThanOrEqual(where.times ?? Infinity)
  for (const { link, bytes } of lived.cutLinks) {
    const stood = (await link.upstream.ended).phase === 'open'
    if (stood) expect(carried(link)).toBe(bytes)
    else expect(carried(link)).toBeLessThanOrEqual(bytes) // what waited for an upstream that never was there was not passed on
  }
  const { history } = proxy
  for (const link of links) {
    const record = history.find(({ id }) => id === link.id)!
    const server = servers.find(({ ports }) => ports.other === portOf(link.upstream.local))
    const client = clients.find(({ ports }) => ports.own === portOf(link.client.endpoint)) ?? nameless(lived, record, server)
    expect(await link.client.ended).toBe(record.client)
    expect(await link.upstream.ended).toBe(record.upstream)
    if (client) judgeLane(lived, record, 'downstream', server, client)
    if (server) judgeLane(lived, record, 'upstream', client, server)
    if (!cut && client && server && saidGoodbye(client, server) && !isHit(record, /^(?:blackhole|reset|end)/)) {
      expect(record).toMatchObject({ client: { kind: 'eof' }, upstream: { kind: 'eof' } })
      expect(record.bytes).toStrictEqual({ upstream: client.sent.length, downstream: server.sent.length })
      expect([client.come.size, server.come.size]).toStrictEqual([server.sent.length, client.sent.length])
      expect([client.come.ended, server.come.ended, client.error, server.error]).toStrictEqual([true, true, undefined, undefined])
    }
  }
  const report = lived.report ?? (await proxy.stop())
  expect(report.errors).toStrictEqual([])
  expect(report.accepted).toBe(history.length)
  expect(report.endedBefore + report.drained.length + report.forced.length).toBe(report.accepted)
  if (!lived.report) expect(report).toMatchObject({ endedBefore: report.accepted, drained: [], forced: [] })
}

/** What came is a beginning of what was sent; and if it ended as if that were all, it is all. */
function judgeLane({ cut }: Lived, record: LinkRecord, direction: Direction, from: End | undefined, to: End): void {
  const [sent, come] = [from?.sent ?? Buffer.alloc(0), to.come.bytes]
  const ours = (what: string): boolean => isHit(record, new RegExp(`^${what}\\(.*\\) (?:both|${direction})`))
  if (ours('corrupt')) expect(come.length).toBeLessThanOrEqual(sent.length)
  else expect(sent.subarray(0, come.length).equals(come)).toBe(true)
  expect(record.bytes[direction]).toBeGreaterThanOrEqual(come.length)
  expect(record.bytes[direction]).toBeLessThanOrEqual(sent.length)
  if (!to.come.ended || cut || isHit(record, /^end/)) return
  const brokeOff = from?.script.last === 'destroy' || from?.error !== undefined // its kernel, or Node, had bytes left
  const wasReset = !saidGoodbye(from, to) || isHit(record, /^(?:blackhole|reset)/)
  if (brokeOff || (resetMayReadAsEnd && wasReset)) return
  expect(from?.script.last).toBe('end')
  expect(come.length).toBe(sent.length)
}

function saidGoodbye(...ends: readonly (End | undefined)[]): boolean {
  return ends.every((end) => end?.played && end.script.last === 'end')
}

function isHit({ faults }: LinkRecord, pattern: RegExp): boolean {
  return faults.some((fault) => pattern.test(fault))
}

function portOf(endpoint: Link['client']['endpoint']): number | undefined {
  return endpoint && 'port' in endpoint ? endpoint.port : undefined
}

/** A client that was reset before the proxy accepted it has no port there: it is the one whose bytes are most like what came of them. */
function nameless({ clients, links }: Lived, { bytes }: LinkRecord, server: End | undefined): End | undefined {
  const ports = new Set(links.map(({ client }) => portOf(client.endpoint)))
  const come = server?.come.bytes ?? Buffer.alloc(0)
  const candidates = clients.filter(({ ports: { own }, script, sent }) => {
    return script.last === 'reset' && !ports.has(own) && sent.length >= bytes.upstream
  })
  const unlike = new Map(candidates.map((client) => [client, bitsApart(client.sent, come)]))
  return candidates.toSorted((one, other) => unlike.get(one)! - unlike.get(other)!)[0]
}

/** How many bits of what came are not those that were sent: none, or some of each eight bytes where they were corrupted. */
function bitsApart(sent: Buffer, come: Buffer): number {
  let bits = 0
  for (const [at, byte] of come.entries()) for (let rest = byte ^ sent[at]!; rest > 0; rest &= rest - 1) bits++
  return bits
}

/** Whether the lives were wild enough to prove anything. */
class Seen {
  portsTaken = 0
  readonly #hits = new Map<string, number>(Object.keys(KINDS).map((kind) => [kind, 0]))
  readonly #counts = { links: 0, bytes: 0, healedUnderWay: 0, holesReset: 0, cut: 0, forced: 0, complete: 0 }

  add({ injected, links, healedUnderWay, clients, servers, proxy, cut, portTaken, report }: Lived): void {
    this.portsTaken += Number(portTaken)
    for (const { kind, fault } of injected) this.#hits.set(kind, this.#hits.get(kind)! + fault.hits)
    const counts = this.#counts
    counts.links += links.length
    counts.bytes += [...clients, ...servers].reduce((sum, { come }) => sum + come.size, 0)
    counts.healedUnderWay += healedUnderWay
    counts.holesReset += proxy.history.filter((record) => isHit(record, /^blackhole/) && record.client?.kind === 'reset').length
    counts.cut += Number(cut)
    counts.forced += report?.forced.length ?? 0
    counts.complete += proxy.history.filter(({ client, upstream }) => client?.kind === 'eof' && upstream?.kind === 'eof').length
  }

  wasEnough(): void {
    if (process.env['NETGRACE_ROUNDS']) console.log({ ...this.#counts, hits: Object.fromEntries(this.#hits) })
    expect([...this.#hits].filter(([, hits]) => hits === 0)).toStrictEqual([])
    expect(Object.entries(this.#counts).filter(([, count]) => count === 0)).toStrictEqual([])
  }
}
