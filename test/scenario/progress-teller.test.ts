import { expect, test, vi } from 'vitest'

import type { ScenarioProgress } from '../../src/scenario/progress.ts'
import { runScenario } from '../../src/scenario/run-scenario.ts'
import { startEchoServer } from '../../src/server/start-server.ts'
import { openSockets, refusing, turns, until } from '../support.ts'

test('progress only grows, ends at the whole, and is not told after the promise has resolved', async () => {
  const server = await startEchoServer()
  const told: ScenarioProgress[] = []
  const report = await runScenario(server, { clients: 5, messages: 8, onProgress: (progress) => told.push(progress) })
  const count = told.length
  await turns(5)
  expect(told).toHaveLength(count)
  expect(told.at(-1)).toEqual({
    clients: 5,
    connected: 5,
    done: 5,
    failed: 0,
    messages: 40,
    sent: 40,
    echoed: 40,
    mismatched: 0,
    elapsedMs: expect.any(Number) as number,
  })
  for (const [n, progress] of told.entries()) {
    for (const [key, value] of Object.entries(told[n - 1] ?? {}))
      expect(progress[key as keyof ScenarioProgress]).toBeGreaterThanOrEqual(value)
    expect(progress.sent).toBeGreaterThanOrEqual(progress.echoed)
  }
  expect(new Set(told).size).toBe(count) // each a snapshot of its own
  expect(report.durationMs).toBeGreaterThanOrEqual(told[0]!.elapsedMs)
  await server.stop()
})

test('failures are told, too', async () => {
  const told: ScenarioProgress[] = []
  await runScenario(await refusing(), { clients: 3, onProgress: (progress) => told.push(progress) })
  expect(told.at(-1)).toMatchObject({ clients: 3, connected: 0, done: 3, failed: 3, sent: 0 })
})

test('an onProgress that is async and rejects fails the report, too', async () => {
  const server = await startEchoServer()
  const onProgress = (): unknown => turns(1).then(() => Promise.reject(new Error('late')))
  const report = await runScenario(server, { messages: 50, onProgress })
  expect(report).toMatchObject({ ok: false, echoed: 500 })
  expect(report.summary).toContain('onProgress threw: late')
  await server.stop()
})

test('what onProgress throws fails the report, loses nothing, and leaves nothing open', async () => {
  const server = await startEchoServer()
  const before = openSockets()
  const boom = new Error('expected 1 to be 2')
  const onProgress = vi.fn(() => {
    throw boom
  })
  const report = await runScenario(server, { onProgress })
  expect(onProgress).toHaveBeenCalledOnce()
  expect(report).toMatchObject({ ok: false, sent: 100, echoed: 100, endings: { eof: 10 } })
  expect(report.clients.every(({ error }) => !error)).toBe(true)
  expect(report.summary).toMatch(/^10 clients, 100 of 100 messages echoed, onProgress threw: expected 1 to be 2, in \d+ ms$/)
  expect(() => report.assertOk()).toThrow(expect.objectContaining({ cause: boom, message: report.summary }))
  await until(() => openSockets() <= before)
  await server.stop()
})
