import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rigFor } from 'netgrace'

test('ten clients, ten messages', async (t) => {
  const rig = rigFor(t)
  const server = await rig.echo()
  const report = await rig.scenario(server)
  report.assertOk()
  assert.equal((await server.stop()).accepted, 10)
})
