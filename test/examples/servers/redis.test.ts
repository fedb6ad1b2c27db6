import { once } from 'node:events'

import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { faults } from 'netgrace'
import { test } from 'netgrace/vitest'

import type { RealServer } from './child.ts'
import { hasRedis, startRedis } from './redis-server.ts'

describe.skipIf(!hasRedis)('a client of Redis (where there is a redis-server)', () => {
  let server: RealServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  test('survives a stall: its commands time out, and once that is healed it goes on, on the same connection', async ({ rig }) => {
    const proxy = await rig.proxy(server.url)
    const redis = rig.adopt(new Redis(proxy.url, { commandTimeout: 1000 }), (one) => one.disconnect())
    await redis.set('greeting', 'hello')
    {
      using _stalled = proxy.inject(faults.stall(), { direction: 'downstream' })
      await expect(redis.get('greeting')).rejects.toThrow('Command timed out')
    }
    await expect(redis.get('greeting')).resolves.toBe('hello')
    expect(proxy.history).toHaveLength(1)
  })

  test('cannot know whether a command that timed out was done: this one was', async ({ rig }) => {
    const proxy = await rig.proxy(server.url)
    const redis = rig.adopt(new Redis(proxy.url, { commandTimeout: 1000 }), (one) => one.disconnect())
    await redis.del('orders')
    {
      using _stalled = proxy.inject(faults.stall(), { direction: 'downstream' })
      await expect(redis.incr('orders')).rejects.toThrow('Command timed out')
    }
    await expect(redis.get('orders')).resolves.toBe('1')
  })

  test('reconnects after a restart, and sends again what was under way', async ({ rig }) => {
    const proxy = await rig.proxy(server.url)
    const redis = rig.adopt(new Redis(proxy.url, { retryStrategy: () => 10 }), (one) => one.disconnect())
    const failed = once(redis, 'error')
    await redis.set('greeting', 'hello')
    const stalled = proxy.inject(faults.stall(), { links: 'open' })
    const asked = redis.get('greeting')
    await proxy.saw('get')
    await proxy.restart()
    stalled.heal()
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }])
    await expect(asked).resolves.toBe('hello')
    expect(proxy.history).toMatchObject([{ client: { kind: 'reset' } }, { client: undefined }])
  })
})
