import { expect } from 'vitest'
import { describeEnding } from 'netgrace'
import { test } from 'netgrace/vitest'

test('a reset is not mistaken for a goodbye', async ({ rig }) => {
  const server = await rig.echo()
  const client = await rig.connect(server)
  const serverSide = await server.connectionOf(client)
  await serverSide.reset()

  const ending = await client.ended
  expect(ending).toMatchObject({ kind: 'reset', by: 'peer' })
  expect(describeEnding(ending)).toBe('RST: connection reset by peer')
})
