import { expect, test } from 'vitest'

import { NetgraceError } from '../../src/model/errors.ts'
import { runScenario } from '../../src/scenario/run-scenario.ts'
import { ScenarioError } from '../../src/scenario/scenario-error.ts'
import { refusing } from '../support.ts'

test('a hundred failures are told in twenty lines and a count', async () => {
  const to = await refusing()
  const report = await runScenario(to, { clients: 100, messages: 1 })
  let thrown: unknown
  try {
    report.assertOk()
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(ScenarioError)
  expect(thrown).toBeInstanceOf(NetgraceError)
  const lines = (thrown as Error).message.split('\n')
  expect(lines).toHaveLength(22)
  expect(lines[0]).toMatch(/^100 of 100 clients failed, 0 of 100 messages echoed, in \d+ ms$/)
  expect(lines[1]).toBe(
    `  client #1: 0 sent, 0 echoed; could not connect to 127.0.0.1:${to.port}: REFUSED: nobody listens there (ECONNREFUSED)`,
  )
  expect(lines[21]).toBe('  and 80 more')
})

test('a report that is ok asserts nothing', async () => {
  const { startEchoServer } = await import('../../src/server/start-server.ts')
  const server = await startEchoServer()
  const report = await runScenario(server, { clients: 1, messages: 1 })
  expect(() => report.assertOk()).not.toThrow()
  await server.stop()
})
