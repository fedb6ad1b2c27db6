import { expect } from 'vitest'
import { test } from 'netgrace/vitest'

test('a server that hangs up after a while, without a word', async ({ rig }) => {
  const server = await rig.echo({ closing: { how: 'immediate', afterMs: 20 } }) // or graceful, half, never
  await expect(await rig.connect(server)).toEnd('reset', { by: 'peer' })
})

test('a half-open peer is noticed by the idle timeout', async ({ rig }) => {
  const server = await rig.echo({ closing: { how: 'never' } })
  const client = await rig.connect(server, { idleTimeoutMs: 50 })
  await expect(client).toEnd('timeout', { by: 'local' })
})
