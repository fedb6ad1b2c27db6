import { expect } from 'vitest'
import { handlers } from 'netgrace'
import { test } from 'netgrace/vitest'

test('a peer that answers once and then hangs up in the middle of a line', async ({ rig }) => {
  const server = await rig.server(
    handlers.script([
      { expect: /PING\r\n/, send: '+PONG\r\n' },
      { expect: /GET \w+\r\n/, send: '+OK, and th', reset: true },
    ]),
  )
  const client = await rig.connect(server)
  await client.send('PING\r\n')
  expect(await client.readLine()).toBe('+PONG')
  await client.send('GET k\r\n')
  expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
})
