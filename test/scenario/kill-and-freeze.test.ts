import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { assertNoLeaks } from '../../src/leaks/find.ts'
import { runScenario } from '../../src/scenario/run-scenario.ts'
import { startEchoServer } from '../../src/server/start-server.ts'
import { children } from '../children.ts'

/** `NETGRACE_ROUNDS=100 npx vitest run test/scenario/kill-and-freeze.test.ts` is the long run. */
const ROUNDS = Number(process.env['NETGRACE_ROUNDS'] ?? 15)

const BLOWS = ['SIGKILL', 'SIGSTOP', 'SIGSTOP, then SIGCONT', 'SIGTERM'] as const

/** What befalls one process, when so many messages of all have come back; at 0 while the processes start. */
const blow = fc.record({ what: fc.constantFrom(...BLOWS), whom: fc.nat({ max: 2 }), at: fc.nat({ max: 120 }) })

type Blow = typeof blow extends fc.Arbitrary<infer B> ? B : never

function strike({ what, whom }: Blow): void {
  const pid = children()[whom]
  if (pid === undefined) return
  const [first, second] = what.split(', then ') as [NodeJS.Signals, NodeJS.Signals?]
  kill(pid, first)
  if (second) setTimeout(() => kill(pid, second), 20)
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // it was gone already
  }
}

test.skipIf(process.platform !== 'linux')(
  'processes that are killed and frozen at random moments: every client has an ending or a named error, the server accounts for every connection, nothing is left',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(blow, { minLength: 1, maxLength: 3 }), async (blows) => {
        await assertNoLeaks(async () => {
          const server = await startEchoServer({ graceMs: 200 })
          const left = new Set(blows)
          const strikeAt = (echoed: number): void => {
            for (const one of left) {
              if (one.at > echoed) continue
              left.delete(one)
              strike(one)
            }
          }
          const running = runScenario(server, {
            in: 'process',
            clients: 6,
            workers: 3,
            messages: 20,
            timeoutMs: 250,
            onProgress: ({ echoed }) => strikeAt(echoed),
          })
          for (const one of left) {
            if (one.at > 0 || one.what === 'SIGSTOP') continue // frozen for good while it starts would take the ten seconds that a start may take
            left.delete(one)
            strike(one)
          }
          const { clients, endings } = await running
          expect(clients.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6])
          expect(Object.values(endings).reduce((sum, n) => sum + n, 0)).toBe(6)
          for (const { ending, error, sent, echoed } of clients) {
            if (!error) expect([ending.kind, sent, echoed]).toEqual(['eof', 20, 20])
            else expect((error as NodeJS.ErrnoException).code).toMatch(/^ERR_NETGRACE_(SPAWN|TIMEOUT|CONNECTION_ENDED|CONNECT)$/)
          }
          const stopped = await server.stop()
          expect(stopped.accepted).toBe(stopped.endedBefore + stopped.drained.length + stopped.forced.length)
          expect(stopped.accepted).toBeLessThanOrEqual(6)
          expect(stopped.accepted).toBeGreaterThanOrEqual(clients.filter(({ echoed }) => echoed > 0).length)
          expect(stopped).toMatchObject({ forced: [], unsettled: [], errors: [] })
        })
        expect(children()).toEqual([])
      }),
      { numRuns: ROUNDS },
    )
  },
  10_000 + ROUNDS * 3000,
)
