import { setTimeout as sleep } from 'node:timers/promises'

import { Agent, request, RetryAgent } from 'undici'
import { expect } from 'vitest'
import { faults } from 'netgrace'
import { test } from 'netgrace/vitest'

/** A client that tries again, as everybody has written it once. */
async function fetchWithRetries(url: string, retries: number): Promise<Response> {
  for (let left = retries; ; left--) {
    try {
      return await fetch(url)
    } catch (error) {
      if (left === 0) throw error
      await sleep(5)
    }
  }
}

// Each fault waits for the request: the fetch of Node 20 never hears of a reset that comes before it has written.
test.for([
  ['a reset', faults.reset()],
  ['an end', faults.end()],
] as const)('fetch and two retries get over %s of two connections', async ([, fault], { rig }) => {
  const app = await rig.http((_request, response) => response.end('hello'))
  const proxy = await rig.proxy(app)
  proxy.inject(fault, { times: 2, after: { match: 'GET' } })
  const response = await fetchWithRetries(proxy.url, 2)
  expect(await response.text()).toBe('hello')
  expect(proxy.history.map((link) => link.faults.length)).toStrictEqual([1, 1, 0])
})

test('one retry is not enough, and the caller hears why', async ({ rig }) => {
  const proxy = await rig.proxy(await rig.http((_request, response) => response.end('hello')))
  proxy.inject(faults.reset(), { times: 2, after: { match: 'GET' } })
  await expect(fetchWithRetries(proxy.url, 1)).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
})

test("undici's RetryAgent fails twice, and then works", async ({ rig }) => {
  const proxy = await rig.proxy(await rig.http((_request, response) => response.end('hello')))
  const dispatcher = rig.adopt(new RetryAgent(new Agent(), { maxRetries: 2, minTimeout: 5 }), (agent) => agent.close())
  proxy.inject(faults.reset(), { times: 2, after: { match: 'GET' } })
  const { statusCode, body } = await request(proxy.url, { dispatcher })
  expect([statusCode, await body.text()]).toStrictEqual([200, 'hello'])
  expect(proxy.history.map((link) => link.faults.length)).toStrictEqual([1, 1, 0])
})

test("undici's RetryAgent does not send a POST again: it may have been done", async ({ rig }) => {
  const proxy = await rig.proxy(await rig.http((_request, response) => response.end('done')))
  const dispatcher = rig.adopt(new RetryAgent(new Agent(), { maxRetries: 2, minTimeout: 5 }), (agent) => agent.close())
  proxy.inject(faults.reset(), { direction: 'downstream', after: { match: 'POST' } })
  await expect(request(proxy.url, { method: 'POST', body: 'an order', dispatcher })).rejects.toThrow()
  expect(proxy.history).toHaveLength(1)
})
