import { expect } from 'vitest'
import { test } from 'netgrace/vitest'

test('a server that forgets a message is found out, client by client', async ({ rig }) => {
  const server = await rig.server(async (connection) => {
    for await (const chunk of connection) if (!chunk.includes('client #2, count 3')) await connection.send(chunk)
  })
  const report = await rig.scenario(server, { clients: 3, messages: 5, timeoutMs: 200 })
  expect(report).toMatchObject({ ok: false, sent: 13, echoed: 12 })
  expect(() => report.assertOk()).toThrow(/client #2/)
})
