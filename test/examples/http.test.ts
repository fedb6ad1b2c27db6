import { expect } from 'vitest'
import { test } from 'netgrace/vitest'

test('an HTTP server stops although its clients keep their connections', async ({ rig }) => {
  const app = await rig.http((_request, response) => response.end('hello')) // or an Express app; rig.supervise(server) for a server you have
  expect(await (await fetch(app.url)).text()).toBe('hello')

  const report = await app.stop() // fetch still holds its connection: idle ones close first, busy ones after their answer
  expect(report).toMatchObject({ accepted: 1, forced: [], untracked: 0 })
})
