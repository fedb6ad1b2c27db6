import fastify from 'fastify'
import { superviseServer } from 'netgrace'
import { expect, test } from 'vitest'

import { get, keepAliveClient } from '../support.ts'

test('Fastify: its server is supervised, its hooks still run', async () => {
  const app = fastify()
  let closed = false
  app.addHook('onClose', async () => void (closed = true))
  app.get('/', () => 'hello')
  await app.ready()

  const supervised = await superviseServer(app.server)
  expect((await get(supervised.url, keepAliveClient())).text).toBe('hello')
  expect(await supervised.stop()).toMatchObject({ accepted: 1, drained: [{ use: 'idle' }], forced: [] })
  await app.close()
  expect(closed).toBe(true)
})
