import { once } from 'node:events'

import express from 'express'
import { superviseServer } from 'netgrace'
import { expect, test } from 'vitest'

import { get, keepAliveClient } from '../support.ts'

test('Express: the answer under way goes out, the idle connection closes', async () => {
  const app = express()
  let answer = (): void => {}
  app.get('/slow', (_request: unknown, response: { send(text: string): void }) => (answer = () => response.send('done')))
  app.get('/', (_request: unknown, response: { send(text: string): void }) => response.send('hello'))

  const server = app.listen(0, '127.0.0.1')
  const supervised = await superviseServer(server)
  const idle = await get(supervised.url, keepAliveClient())
  const slow = get(`${supervised.url}/slow`)
  while (supervised.connections.size < 2) await once(server, 'connection')
  await once(server, 'request')

  const stopped = supervised.stop()
  answer()
  expect(idle.text).toBe('hello')
  expect(await slow).toMatchObject({ text: 'done', headers: { connection: 'close' } })
  expect(await stopped).toMatchObject({ accepted: 2, forced: [] })
})
