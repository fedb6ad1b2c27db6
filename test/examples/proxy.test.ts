import { expect } from 'vitest'
import { faults } from 'netgrace'
import { test } from 'netgrace/vitest'

test('a client gives up on a stalled server, and goes on when it is healed', async ({ rig }) => {
  const proxy = await rig.proxy(await rig.echo())
  const client = await rig.connect(proxy)
  {
    using _stalled = proxy.inject(faults.stall(), { direction: 'downstream' })
    await expect(client.ask('anybody there?', { withinMs: 50 })).rejects.toMatchObject({ code: 'ERR_NETGRACE_TIMEOUT' })
  }
  expect(await client.readLine()).toBe('anybody there?') // nothing was lost
})

test('exactly 1,000 bytes, and then a reset', async ({ rig }) => {
  const proxy = await rig.proxy(await rig.server(async (connection) => connection.send(Buffer.alloc(5000))))
  proxy.inject(faults.reset(), { direction: 'downstream', after: { bytes: 1000 } })
  const client = await rig.connect(proxy)
  expect(await client.readToEnd()).toHaveLength(1000)
  await expect(client).toEnd('reset', { by: 'peer' })
})
