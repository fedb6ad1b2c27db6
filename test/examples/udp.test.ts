import { expect } from 'vitest'
import { openUdpClient } from 'netgrace'
import { test } from 'netgrace/vitest'

test('a datagram to nobody is an ending, not an uncaught error', async ({ rig }) => {
  const server = await rig.udpEcho()
  const client = rig.adopt(await openUdpClient(server), (udp) => udp.close())
  await client.send('hello')
  expect(String(await client.receive())).toBe('hello')

  expect(await server.stop()).toMatchObject({ received: 1, answered: 1 })
  await client.send('still there?')
  expect(await client.ended).toMatchObject({ kind: 'refused', by: 'peer' })
})
