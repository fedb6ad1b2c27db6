import { expect } from 'vitest'
import { test } from 'netgrace/vitest'

test('ten clients, ten messages, nothing left behind', async ({ rig }) => {
  const server = await rig.echo()
  const report = await rig.scenario(server, { clients: 10, messages: 10 })
  report.assertOk()
  expect(await server.stop()).toMatchObject({ accepted: 10, forced: [] })
})
