import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { describe, expect, test } from 'vitest'

import { matcherFor } from '../../src/proxy/matcher.ts'
import { bareClient, turns, until } from '../support.ts'
import { dial, echo } from '../contract/parts.ts'
import { proxyTo } from './parts.ts'

describe('a saw that waits', () => {
  test.each([
    ['a text', 'needle'],
    ['a pattern', /ne+dle/],
    ['bytes', Buffer.from('needle')],
  ])('finds %s that is cut over chunks, wherever that is', async (_what, pattern) => {
    for (let cut = 1; cut < 'needle'.length; cut++) {
      const proxy = await proxyTo(await echo())
      const client = await bareClient(proxy)
      const seen = proxy.saw(pattern, { direction: 'upstream' })
      client.write(`hay ${'needle'.slice(0, cut)}`)
      await until(() => proxy.history[0]?.bytes.upstream === 4 + cut)
      client.write('needle'.slice(cut))
      expect((await seen).id).toBe(1)
    }
  })

  test('finds what was half there when it was asked', async () => {
    const proxy = await proxyTo(await echo())
    const client = await bareClient(proxy)
    client.write('nee')
    await until(() => proxy.history[0]?.bytes.upstream === 3)
    const seen = proxy.saw('needle', { direction: 'upstream' })
    client.write('dle')
    expect((await seen).id).toBe(1)
  })

  test('beside another one for the same takes an occurrence of its own: the oldest the first', async () => {
    const proxy = await proxyTo(await echo())
    const client = await dial(proxy)
    const answered: number[] = []
    const asked = [1, 2, 3].map((n) => proxy.saw('PING', { direction: 'upstream' }).then(() => answered.push(n)))
    await client.ask('PING')
    await turns(5)
    expect(answered).toStrictEqual([1])
    await client.ask('PING PING')
    await Promise.all(asked)
    expect(answered).toStrictEqual([1, 2, 3])
    await expect(proxy.saw('PING', { direction: 'upstream', withinMs: 1 })).rejects.toMatchObject({ code: 'ERR_NETGRACE_TIMEOUT' })
  })

  test('in one direction does not take what another one waits for in the other', async () => {
    const proxy = await proxyTo(await echo())
    const client = await dial(proxy)
    const answered: string[] = []
    const [up, down, any] = (['upstream', 'downstream', undefined] as const).map((direction) =>
      proxy.saw('PING', direction && { direction }).then(() => answered.push(direction ?? 'either')),
    )
    await client.ask('PING')
    await Promise.all([up, down])
    expect(answered).toStrictEqual(['upstream', 'downstream'])
    await client.ask('PING')
    await any
  })

  test('that has given up leaves what comes to the next', async () => {
    const proxy = await proxyTo(await echo())
    const client = await dial(proxy)
    await expect(proxy.saw('PING', { withinMs: 1 })).rejects.toMatchObject({ code: 'ERR_NETGRACE_TIMEOUT' })
    const seen = proxy.saw('PING', { direction: 'upstream' })
    await client.ask('PING')
    expect((await seen).id).toBe(1)
  })
})

test('a matcher keeps no more of what it saw than a pattern can reach back', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = async (): Promise<number> => {
    for (let n = 0; n < 3; n++) {
      await turns(2)
      collect()
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  for (const pattern of ['needle', /needle/]) {
    const matchers = Array.from({ length: 100 }, () => matcherFor(pattern))
    const before = await used()
    for (const matcher of matchers) matcher.feed(Buffer.alloc(256 * 1024, 'x'))
    expect(((await used()) - before) / matchers.length).toBeLessThan(64 * 1024)
  }
})
