import { expect } from 'vitest'
import { test } from 'netgrace/vitest'

test('a client that reconnects finds its server again', async ({ rig }) => {
  const server = await rig.server(async (connection) => {
    for (;;) {
      const line = await connection.readLine() // undefined once the peer, or the server, is done
      if (line === undefined) return
      await connection.send(`you said ${line}\n`)
    }
  })
  const first = await rig.connect(server)
  expect(await first.ask('hello')).toBe('you said hello')

  const report = await server.stop() // the port is held meanwhile, and refuses
  expect(report).toMatchObject({ accepted: 1, drained: [{ handler: 'settled' }], forced: [], errors: [] })
  expect(await first.ended).toMatchObject({ kind: 'eof', by: 'peer' })
  await expect(rig.connect(server)).rejects.toMatchObject({ ending: { kind: 'refused' } })

  await server.start()
  expect(await (await rig.connect(server)).ask('again')).toBe('you said again')
})
