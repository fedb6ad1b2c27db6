import { once } from 'node:events'
import type net from 'node:net'

import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { connect, ConnectError, type Handler, handlers, startServer } from '../../src/index.ts'
import { closed, dialBare, openSockets, turns } from '../support.ts'
import { answering, counted } from './parts.ts'

const SERVERS = 200
const SEED = 20_130_101

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
const life = fc.record({ ours: fc.boolean(), wait: fc.nat(3), acts: fc.array(act, { maxLength: 4 }) })
const server = fc.record({
  handler: fc.constantFrom(...Object.keys(handlersByName)),
  lives: fc.array(life, { minLength: 1, maxLength: 6 }),
  stopAfterTurns: fc.nat(30),
  graceMs: fc.constantFrom(0, 10, 30),
})

const data = Buffer.alloc(100_000, 'x')

/** A life of one of our clients; what fails in it fails because the connection has ended, which is its business. */
async function oneOfOurs(to: { host: string; port: number }, acts: readonly string[]): Promise<void> {
  const client = await connect(to, { closeTimeoutMs: 20 }).catch((error: unknown) => {
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

/** The same of a plain one. */
async function oneOfTheirs(to: { port: number }, acts: readonly string[]): Promise<void> {
  const socket: net.Socket = dialBare(to, { allowHalfOpen: false })
  socket.resume()
  for (const what of acts) {
    if (what === 'ask') socket.write('hello\n')
    if (what === '100 KB') socket.write(data)
    if (what === 'half-close' || what === 'close') socket.end()
    if (what === 'reset') socket.resetAndDestroy()
    if (what === 'destroy') socket.destroy()
    await turns(1)
    if (!socket.writable) break
  }
  await closed(socket)
}

const uncaught: unknown[] = []
const note = (error: unknown): void => void uncaught.push(error)

beforeAll(() => void process.on('uncaughtException', note).on('unhandledRejection', note))
afterAll(() => void process.off('uncaughtException', note).off('unhandledRejection', note))

test(`${SERVERS} servers with random lives, stopped at random moments: the counts add up, and nothing is left`, async () => {
  const before = openSockets()
  let lates = 0
  let forced = 0
  await fc.assert(
    fc.asyncProperty(server, async ({ handler, lives, stopAfterTurns, graceMs }) => {
      const running = await startServer(handlersByName[handler]!, { graceMs })
      const all = lives.map(async ({ ours, wait, acts }) => {
        await turns(wait)
        await (ours ? oneOfOurs(running, acts) : oneOfTheirs(running, acts))
      })
      await turns(stopAfterTurns)
      const report = await running.stop()
      await Promise.all(all)
      expect(counted(report)).toBe(report.accepted)
      expect(report.errors).toStrictEqual([])
      expect(report.unsettled).toStrictEqual([])
      expect(report.accepted + report.late).toBeLessThanOrEqual(lives.length)
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
    { numRuns: SERVERS, seed: SEED, endOnFailure: false },
  )
  await turns(5)
  expect(openSockets()).toBe(before)
  expect(uncaught).toStrictEqual([])
  expect([lates > 0, forced > 0]).toStrictEqual([true, true]) // or the lives were too tame to prove anything
}, 60_000)
