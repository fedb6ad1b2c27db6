import dns from 'node:dns'
import { once } from 'node:events'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'

import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import {
  type Address,
  connect,
  ConnectError,
  type ConnectOptions,
  type GracefulServer,
  type Handler,
  handlers,
  type ServerOptions,
  startServer,
} from '../../src/index.ts'
import { certificate } from '../certificate.ts'
import { closed, openSockets, turns } from '../support.ts'
import { answering, counted } from './parts.ts'

/** How many servers each transport gets; more by `NETGRACE_ROUNDS`. */
const ROUNDS = Number(process.env['NETGRACE_ROUNDS'] ?? 0)
const SEED = 20_130_101

/** How much longer than its grace a stop may take. Milliseconds. */
const SETTLES_WITHIN_MS = 500

const handlersByName: Record<string, Handler> = {
  echo: handlers.echo(),
  lines: answering,
  discard: handlers.discard(),
  pipe: (connection) => connection.socket.pipe(connection.socket),
  iterate: async (connection) => {
    for await (const chunk of connection) await connection.send(chunk)
  },
  untilQuit: async (_connection, quit) => {
    if (!quit.aborted) await once(quit, 'abort')
  },
}

const act = fc.oneof(
  fc.constant('ask' as const),
  fc.constant('100 KB' as const),
  fc.constant('half-close' as const),
  fc.constant('reset' as const),
  fc.constant('destroy' as const),
  fc.constant('close' as const),
)
const whose = fc.oneof(
  { weight: 3, arbitrary: fc.constant('ours' as const) },
  { weight: 3, arbitrary: fc.constant('theirs' as const) },
  fc.constant('bare' as const),
)
const life = fc.record({ whose, wait: fc.nat(3), acts: fc.array(act, { maxLength: 4 }) })
const server = fc.record({
  handler: fc.constantFrom(...Object.keys(handlersByName)),
  lives: fc.array(life, { minLength: 1, maxLength: 6 }),
  stopAfterTurns: fc.nat(30),
  graceMs: fc.constantFrom(0, 10, 30),
})

const data = Buffer.alloc(100_000, 'x')

interface Transport {
  readonly name: string
  readonly rounds: number
  server(): ServerOptions
  client(): ConnectOptions
  /** Where a client of ours dials. */
  to(server: GracefulServer): Address
  /** A plain client, dialling. */
  dial(server: GracefulServer): net.Socket
  /** A plain client that speaks no TLS where that is spoken. */
  bare(server: GracefulServer): net.Socket
}

let paths = 0
const freshPath = (): string => join(tmpdir(), `netgrace-lives-${process.pid}-${++paths}.sock`)
const bare = (to: GracefulServer): net.Socket =>
  net.connect(to.path === undefined ? { host: '127.0.0.1', port: to.port } : { path: to.path })
const securely = (raw: net.Socket, version: tls.SecureVersion): net.Socket =>
  tls.connect({ socket: raw, host: 'localhost', ca: certificate().cert, minVersion: version, maxVersion: version })

function overTls(version: tls.SecureVersion, rounds: number): Transport {
  const options = { minVersion: version, maxVersion: version }
  return {
    name: version,
    rounds,
    server: () => ({ tls: { ...certificate(), ...options } }),
    client: () => ({ tls: { ca: certificate().cert, ...options } }),
    to: (to) => to,
    dial: (to) => securely(bare(to), version),
    bare,
  }
}

const plain: Transport = { name: 'TCP', rounds: 200, server: () => ({}), client: () => ({}), to: (to) => to, dial: bare, bare }
const localhost = (to: GracefulServer): Address => ({ host: 'localhost', port: to.port })

const transports: Transport[] = [
  plain,
  { ...plain, name: 'a unix socket', rounds: 25, server: () => ({ path: freshPath() }) },
  { ...plain, name: 'localhost, with two addresses', rounds: 25, to: localhost },
  overTls('TLSv1.2', 40),
  overTls('TLSv1.3', 40),
  { ...overTls('TLSv1.3', 40), name: 'TLS to localhost, with two addresses', to: localhost },
  { ...overTls('TLSv1.3', 40), name: 'TLS over a unix socket', server: () => ({ path: freshPath(), tls: certificate() }) },
]

/** A life of one of our clients; what fails in it fails because the connection has ended, which is its business. */
async function oneOfOurs(to: Address, options: ConnectOptions, acts: readonly string[]): Promise<void> {
  const client = await connect(to, { closeTimeoutMs: 20, ...options }).catch((error: unknown) => {
    if (!(error instanceof ConnectError)) throw error
  })
  if (!client) return
  for (const what of acts) {
    if (what === 'ask') await client.ask('hello', { withinMs: 10 }).catch(() => {})
    if (what === '100 KB') void client.send(data).catch(() => {})
    if (what === 'half-close') client.halfClose()
    if (what === 'reset') await client.reset()
    if (what === 'destroy') client.socket.destroy()
    if (what === 'close') await client.close()
  }
  void client.readToEnd()
  await client.ended
}

/** The same of a plain one; its reset is the TCP socket's below it, or a destroy where there is none. */
async function oneOfTheirs(socket: net.Socket, acts: readonly string[]): Promise<void> {
  socket.on('error', () => {}).resume()
  for (const what of acts) {
    if (what === 'ask') socket.write('hello\n')
    if (what === '100 KB') socket.write(data)
    if (what === 'half-close' || what === 'close') socket.end()
    if (what === 'reset') resetBelow(socket)
    if (what === 'destroy') socket.destroy()
    await turns(1)
    if (!socket.writable) break
  }
  await closed(socket)
}

function resetBelow(socket: net.Socket): void {
  const raw = (socket as { _parent?: net.Socket | null })._parent ?? socket
  try {
    raw.resetAndDestroy()
  } catch {
    raw.destroy()
  }
}

async function stopsInTime(running: GracefulServer, graceMs: number): Promise<Awaited<ReturnType<GracefulServer['stop']>>> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`stop() had not settled after ${graceMs} ms and ${SETTLES_WITHIN_MS} ms`)),
      graceMs + SETTLES_WITHIN_MS,
    )
  })
  try {
    return await Promise.race([running.stop(), late])
  } finally {
    clearTimeout(timer)
  }
}

const uncaught: unknown[] = []
const note = (error: unknown): void => void uncaught.push(error)

beforeAll(() => void process.on('uncaughtException', note).on('unhandledRejection', note))
afterAll(() => void process.off('uncaughtException', note).off('unhandledRejection', note))

/** `localhost` is `::1`, where no server of ours listens, and then `127.0.0.1`. */
function twoAddresses(): void {
  const { lookup } = dns
  onTestFinished(() => void (dns.lookup = lookup))
  const both = [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ]
  type Found = (error: Error | null, addresses: typeof both) => void
  dns.lookup = ((name: string, options: object, found: Found) => {
    if (name === 'localhost') process.nextTick(found, null, both)
    else (lookup as (...args: unknown[]) => void)(name, options, found)
  }) as typeof dns.lookup
}

describe.each(transports)('over $name', (transport) => {
  const rounds = ROUNDS || transport.rounds

  test(
    `${rounds} servers with random lives, stopped at random moments: each stop settles in time, the counts add up, and nothing is left`,
    async () => {
      twoAddresses()
      const before = openSockets()
      let lates = 0
      let forced = 0
      await fc.assert(
        fc.asyncProperty(server, async ({ handler, lives, stopAfterTurns, graceMs }) => {
          const running = await startServer(handlersByName[handler]!, { graceMs, ...transport.server() })
          const all = lives.map(async ({ whose: which, wait, acts }) => {
            await turns(wait)
            if (which === 'ours') await oneOfOurs(transport.to(running), transport.client(), acts)
            else await oneOfTheirs(which === 'theirs' ? transport.dial(running) : transport.bare(running), acts)
          })
          await turns(stopAfterTurns)
          const report = await stopsInTime(running, graceMs)
          await Promise.all(all)
          expect(counted(report)).toBe(report.accepted)
          expect(report.errors).toStrictEqual([])
          expect(report.unsettled).toStrictEqual([])
          const { pending, failed } = report.handshakes
          expect(report.accepted + report.late + pending + failed).toBeLessThanOrEqual(lives.length)
          expect(running.connections.size).toBe(0)
          expect(running.state).toBe('stopped')
          const ids = [...report.drained, ...report.forced].map(({ id }) => id)
          expect(new Set(ids).size).toBe(ids.length)
          for (const { ending, handler: state } of [...report.drained, ...report.forced]) {
            expect(ending).toBeDefined()
            expect(state).not.toBe('pending')
          }
          lates += report.late
          forced += report.forced.length
        }),
        { numRuns: rounds, seed: SEED, endOnFailure: true },
      )
      await turns(5)
      expect(openSockets()).toBe(before)
      expect(uncaught).toStrictEqual([])
      if (transport === plain) expect([lates > 0, forced > 0]).toStrictEqual([true, true]) // or the lives were too tame to prove anything
    },
    60_000 + ROUNDS * 200,
  )
})
