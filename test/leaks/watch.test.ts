import { once } from 'node:events'
import * as net from 'node:net'

import { afterEach, expect, test } from 'vitest'

import { findLeaks } from '../../src/leaks/find.ts'
import { watchLeaks } from '../../src/leaks/watch.ts'

const cleanups: (() => unknown)[] = []

afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup()
})

async function listener(): Promise<net.Server> {
  const server = net.createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
  cleanups.push(() => server.close())
  await once(server, 'listening')
  return server
}

test('finds what was opened since, whoever opened it, until it is closed', async () => {
  await listener()
  using watch = watchLeaks({ withinMs: 10 })
  expect(await watch.find()).toEqual([])
  const server = await listener()
  expect(await watch.find()).toMatchObject([{ kind: 'tcp-listener', site: { function: 'listener' } }])
  expect(await watch.find()).toHaveLength(1)
  server.close()
  expect(await watch.find()).toEqual([])
})

test('assertNone() names the watch by its line', async () => {
  using watch = watchLeaks({ withinMs: 10, kinds: ['tcp-listener'] })
  await watch.assertNone()
  await listener()
  await expect(watch.assertNone()).rejects.toThrow(
    /^1 handle was still open after 10 ms, of what was opened since watchLeaks at test\/leaks\/watch\.test\.ts:34:/,
  )
})

test('sees what stands in a scope of its own as well, and that scope sees it too', async () => {
  using watch = watchLeaks({ withinMs: 10 })
  expect(await findLeaks(listener, { withinMs: 10 })).toHaveLength(1)
  expect(await watch.find()).toMatchObject([{ kind: 'tcp-listener', scope: 'listener' }])
})

test('two watches, of which one ends', async () => {
  const first = watchLeaks({ withinMs: 10 })
  using second = watchLeaks({ withinMs: 10 })
  await listener()
  first.stop()
  first.stop()
  expect(await first.find()).toEqual([])
  expect(await second.find()).toHaveLength(1)
  await listener()
  expect(await second.find()).toHaveLength(2)
})

test('what a listener accepts that was there before is of that listener, and not told', async () => {
  const server = await listener()
  using watch = watchLeaks({ withinMs: 10 })
  const accepted = once(server, 'connection')
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
  cleanups.push(() => client.destroy())
  await accepted
  expect(await watch.find()).toMatchObject([{ kind: 'tcp-socket', site: { file: import.meta.filename } }])
})

test('wrong options are refused', () => {
  expect(() => watchLeaks({ withinMs: Number.NaN })).toThrow(RangeError)
})
