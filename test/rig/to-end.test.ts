import { describe, expect } from 'vitest'

import { handlers } from '../../src/index.ts'
import { test } from '../../src/vitest.ts'

describe('toEnd', () => {
  test('passes when the connection ends so, and waits for it', async ({ rig }) => {
    const server = await rig.echo()
    const client = await rig.connect(server)
    const connection = await server.connectionOf(client)
    const [, seen] = [connection.reset(), expect(client).toEnd('reset', { by: 'peer' })]
    await seen
    await expect(connection).toEnd('reset', { by: 'local' })
    await expect(connection).toEnd('reset')
    await expect(client).not.toEnd('eof')
  })

  test('says how it ended instead, and what happened on both ends', async ({ rig }) => {
    const server = await rig.echo()
    const client = await rig.connect(server)
    await client.ask('hello')
    await client.close()
    const failing = expect(client).toEnd('reset', { by: 'peer' })
    await expect(failing).rejects.toThrow(/to end as reset by peer, but it was eof by local \(EOF: we closed first/)
    await expect(failing).rejects.toThrow(/client #1 +sent 6 B[^]*server #1, connection #1 +sent 6 B[^]*client #1 +half-closed/)
  })

  test('who ended it counts, if it is given', async ({ rig }) => {
    const client = await rig.connect(await rig.echo())
    await client.close()
    await expect(expect(client).toEnd('eof', { by: 'peer' })).rejects.toThrow(/eof by peer, but it was eof by local/)
  })

  test('says so of a connection that does not end', async ({ rig }) => {
    const client = await rig.connect(await rig.server(handlers.discard()))
    await expect(expect(client).toEnd('eof', { withinMs: 20 })).rejects.toThrow(/but it was still open after 20 ms/)
  })

  test.for([
    [{}, 'eof', {}, /a client or a connection, got \{\}/],
    [undefined, 'eof', {}, /a client or a connection, got undefined/],
    [{ ended: Promise.resolve() }, 'fin' as 'eof', {}, /must be one of eof, reset, closed, refused, timeout, lost, error, got "fin"/],
    [{ ended: Promise.resolve() }, 'eof', { by: 'us' }, /by must be one of peer, local, got "us"/],
  ] as [unknown, 'eof', object, RegExp][])('refuses what it cannot mean: %o', async ([value, kind, options, message]) => {
    await expect(expect(value).toEnd(kind, options)).rejects.toThrow(message)
  })
})

test('the story names the lines of the test that dialled and that acted', async ({ rig }) => {
  const client = await rig.connect(await rig.echo())
  await client.reset()
  const failing = expect(client).toEnd('eof')
  await expect(failing).rejects.toThrow(/dialling 127\.0\.0\.1:\d+ at test\/rig\/to-end\.test\.ts:\d+:\d+/)
  await expect(failing).rejects.toThrow(/resetting at test\/rig\/to-end\.test\.ts:\d+:\d+/)
})
