import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { connect, ConnectError, NetgraceError, startEchoServer } from '../../src/index.ts'
import { openSockets, turns } from '../support.ts'
import { counted } from './parts.ts'

const SEED = 20_130_101

const step = fc.record({
  what: fc.constantFrom('start', 'start', 'stop', 'stop at once', 'stop and hold', 'client', 'client'),
  waited: fc.boolean(),
  turns: fc.nat(3),
})

test('starts and stops in any order, waited for or not: every promise settles, the last word wins, and the last stop leaves nothing', async () => {
  const before = openSockets()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const server = await startEchoServer()
      const { port } = server
      const all: Array<Promise<unknown>> = []
      let [listens, holds] = [true, false]
      const act = {
        start: () =>
          server.start().catch((error: unknown) => {
            expect(error).toBeInstanceOf(NetgraceError)
            expect((error as NetgraceError).code).toMatch(/^ERR_NETGRACE_(STOPPED|LISTEN)$/)
          }),
        stop: async () => {
          const report = await server.stop()
          expect(counted(report)).toBe(report.accepted)
          expect(report.errors).toStrictEqual([])
        },
        'stop at once': () => server.stop({ graceMs: 0 }),
        'stop and hold': () => server.stop({ holdPort: true }),
        client: async () => {
          const client = await connect(server).catch((error: unknown) => {
            expect(error).toBeInstanceOf(ConnectError)
          })
          if (!client) return
          await client.ask('x').catch(() => {})
          await client.close()
        },
      }
      for (const { what, waited, turns: count } of steps) {
        const done = act[what]()
        if (what !== 'client') [listens, holds] = [what === 'start', what === 'stop and hold']
        all.push(done)
        if (waited) await done
        await turns(count)
      }
      await Promise.all(all)
      expect(server.state).toBe(listens ? 'listening' : 'stopped')
      await turns(2)
      if (!listens) expect(openSockets() > before).toBe(holds)
      await server.stop()
      expect(server.state).toBe('stopped')
      await server.start() // lets go of a port that is held
      expect(server).toMatchObject({ state: 'listening', port })
      const client = await connect(server)
      expect(await client.ask('still the same')).toBe('still the same')
      expect(await server.stop()).toMatchObject({ accepted: 1, drained: [{}], forced: [] })
      await client.ended
      expect(server.connections.size).toBe(0)
      await turns(2)
      expect(openSockets()).toBe(before)
    }),
    { numRuns: 150, seed: SEED },
  )
}, 60_000)
