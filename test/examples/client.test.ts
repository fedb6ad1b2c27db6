import { expect } from 'vitest'
import { handlers } from 'netgrace'
import { test } from 'netgrace/vitest'

test('connecting fails in a way that can be told', async ({ rig }) => {
  await expect(rig.connect(await rig.refusing())).rejects.toMatchObject({ code: 'ERR_NETGRACE_CONNECT', ending: { kind: 'refused' } })
  await expect(rig.connect(await rig.unanswering(), { connectTimeoutMs: 50 })).rejects.toMatchObject({ ending: { kind: 'timeout' } })
})

test('a server that never answers', async ({ rig }) => {
  const client = await rig.connect(await rig.server(handlers.discard()))
  await expect(client.ask('anybody there?', { withinMs: 50 })).rejects.toMatchObject({ code: 'ERR_NETGRACE_TIMEOUT' })
})

test('half a goodbye', async ({ rig }) => {
  const server = await rig.server(async (connection) => {
    const question = await connection.readToEnd()
    await connection.send(`${question.length} bytes`)
  })
  const client = await rig.connect(server)
  await client.send('a question')
  client.halfClose()
  expect((await client.readToEnd()).toString()).toBe('10 bytes')
  expect(await client.ended).toMatchObject({ kind: 'eof', by: 'local' })
})
