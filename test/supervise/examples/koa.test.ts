import http from 'node:http'

import Koa from 'koa'
import { superviseServer } from 'netgrace'
import { expect, test } from 'vitest'

import { get, used } from '../support.ts'

test('Koa: around its callback', async () => {
  let answer = (): void => {}
  const asked = new Promise<void>((resolve) => (answer = resolve))
  const app = new Koa()
  app.use(async (context: { body: string }) => {
    await asked
    context.body = 'done'
  })
  await using supervised = await superviseServer(http.createServer(app.callback()))

  const answered = get(supervised.url)
  await used(supervised, 'busy')
  const stopped = supervised.stop()
  answer()
  expect(await answered).toMatchObject({ text: 'done', headers: { connection: 'close' } })
  expect(await stopped).toMatchObject({ accepted: 1, forced: [] })
})
