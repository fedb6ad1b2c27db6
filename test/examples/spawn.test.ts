import { expect } from 'vitest'
import { test } from 'netgrace/vitest'

test('a client whose process is killed is a clean end to its server', async ({ rig }) => {
  const server = await rig.echo()
  const client = await rig.spawn(server, { in: 'process' }) // or 'thread'
  const connection = await server.connectionOf(client)
  expect(await client.ask('hello')).toBe('hello')

  await client.kill()
  await expect(connection).toEnd('eof', { by: 'peer' })
  expect(await client.ended).toMatchObject({ kind: 'error', cause: { code: 'ERR_NETGRACE_SPAWN' } })
})
