import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect, onTestFinished, test } from 'vitest'

import { faults } from '../../src/faults/faults.ts'
import { proxyTo } from './parts.ts'

async function httpServer(): Promise<string> {
  const server = http.createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/path`
}

// After the request: the fetch of Node 20 never hears of a reset that comes before it has written, from whichever server.
test('a client that tries again fails twice and then works', async () => {
  const url = await httpServer()
  const proxy = await proxyTo(url)
  expect(proxy.url).toBe(`http://127.0.0.1:${proxy.port}/path`)
  proxy.inject(faults.reset(), { times: 2, after: { match: 'GET' } })
  const outcomes: string[] = []
  while (outcomes.at(-1) !== 'hello' && outcomes.length < 5) {
    const outcome = fetch(proxy.url).then((response) => response.text())
    outcomes.push(await outcome.catch((error: { cause: { code: string } }) => error.cause.code))
  }
  expect(outcomes).toStrictEqual(['ECONNRESET', 'ECONNRESET', 'hello'])
  expect(proxy.history.map(({ faults: met }) => met.length)).toStrictEqual([1, 1, 0])
})
