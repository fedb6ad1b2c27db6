import { once } from 'node:events'
import * as fsPromises from 'node:fs/promises'
import * as net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import * as v8 from 'node:v8'
import * as vm from 'node:vm'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { AGE_MS, rememberedCount } from '../../src/leaks/registry.ts'
import { watchLeaks } from '../../src/leaks/watch.ts'
import type { LeakWatch } from '../../src/model/leak.ts'

v8.setFlagsFromString('--expose-gc')
const gc = vm.runInNewContext('gc') as () => void

let watch: LeakWatch
beforeEach(() => {
  watch = watchLeaks({ withinMs: 0 })
})
afterEach(() => watch.stop())

/** Opens what an object of its own asks for, so that the object is `this` in a frame of the stack. */
class Opener {
  readonly weight = Array.from({ length: 1000 })
  open<T>(open: () => T): T {
    return open()
  }
}

async function isCollected(ref: WeakRef<object>): Promise<boolean> {
  for (let tries = 0; tries < 50 && ref.deref(); tries++) {
    await delay(2)
    gc()
  }
  return ref.deref() === undefined
}

async function listener(): Promise<net.Server> {
  const server = net.createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

describe('the tracer keeps nothing alive', () => {
  test('of what has closed: one collection is enough', async () => {
    const server = await listener()
    async function openAndClose(): Promise<WeakRef<object>[]> {
      const opener = new Opener()
      const socket = opener.open(() => net.connect((server.address() as net.AddressInfo).port, '127.0.0.1'))
      await once(socket, 'connect')
      socket.end()
      await once(socket, 'close')
      const timer = opener.open(() => setTimeout(() => socket, 60_000))
      clearTimeout(timer)
      return [socket, opener, timer].map((object) => new WeakRef(object))
    }
    const refs = await openAndClose()
    await delay(5)
    gc()
    await delay(0)
    gc()
    expect(refs.map((ref) => ref.deref())).toEqual([undefined, undefined, undefined])
    server.close()
  })

  test('of what opened a handle that is still open, and the line is still known', async () => {
    function open(): [WeakRef<object>, NodeJS.Timeout] {
      const opener = new Opener()
      return [new WeakRef(opener), opener.open(() => setInterval(() => {}, 60_000))]
    }
    const [ref, timer] = open()
    await delay(3 * AGE_MS)
    expect(await isCollected(ref)).toBe(true)
    expect(await watch.find()).toMatchObject([{ kind: 'timer', site: { file: import.meta.filename } }])
    clearInterval(timer)
  })

  test('of what called listen(), while the server is open and has accepted', async () => {
    async function open(): Promise<[WeakRef<object>, net.Server]> {
      const opener = new Opener()
      const server = net.createServer((socket) => socket.resume())
      opener.open(() => server.listen(0, 'localhost'))
      await once(server, 'listening')
      return [new WeakRef(opener), server]
    }
    const [ref, server] = await open()
    await delay(3 * AGE_MS)
    expect(await isCollected(ref)).toBe(true)
    expect(await watch.find()).toMatchObject([{ kind: 'tcp-listener', site: { function: expect.anything() as string } }])
    server.close()
  })

  test('of a request of fs.promises that is over', async () => {
    async function ask(): Promise<WeakRef<object>> {
      const opener = new Opener()
      await opener.open(() => fsPromises.stat(import.meta.filename))
      return new WeakRef(opener)
    }
    expect(await isCollected(await ask())).toBe(true)
  })
})

test('a dropped handle that is open is reported after a collection: Node keeps it, and the tracer its file', async () => {
  const server = await listener()
  async function open(): Promise<WeakRef<{ close(): unknown }>> {
    await once(net.connect((server.address() as net.AddressInfo).port, '127.0.0.1'), 'connect')
    setInterval(() => {}, 60_000).unref()
    const file = await fsPromises.open(import.meta.filename)
    const key = Object.getOwnPropertySymbols(file).find(({ description }) => description === 'kHandle')!
    return new WeakRef((file as unknown as Record<symbol, { close(): unknown }>)[key]!)
  }
  const file = await open()
  for (let n = 0; n < 3; n++) {
    await delay(2 * AGE_MS)
    gc()
  }
  const leaks = await watch.find()
  expect(leaks.map(({ kind }) => kind).toSorted()).toEqual(['file', 'tcp-listener', 'tcp-socket', 'tcp-socket', 'timer'])
  expect(leaks.filter(({ site }) => site?.file !== import.meta.filename)).toEqual([])
  server.close()
  await file.deref()!.close() // or the collector does, with a warning
})

test('an accepted socket is known by the line of a listener that is garbage', async () => {
  async function open(): Promise<net.Socket> {
    const server = await listener()
    const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
    await Promise.all([once(client, 'connect'), once(server, 'connection')])
    server.close()
    return client
  }
  const client = await open()
  for (let n = 0; n < 3; n++) {
    await delay(2 * AGE_MS)
    gc()
  }
  expect(await watch.find()).toMatchObject([
    { kind: 'tcp-socket', site: { function: 'open' } },
    { kind: 'tcp-socket', detail: 'accepted', site: { function: 'listener' } },
  ])
  client.destroy()
})

describe('the sweep', () => {
  async function closeMany(): Promise<void> {
    for (let n = 0; n < 1000; n++) clearTimeout(setTimeout(() => {}, 60_000))
    await new Promise(setImmediate)
    await new Promise(setImmediate)
  }

  test('comes again, as often as that many have closed', async () => {
    for (let n = 0; n < 5; n++) {
      await closeMany()
      expect(rememberedCount()).toBeLessThan(200)
    }
  })

  test('begins anew with the next watch, however many were open in the last one', async () => {
    const timers = Array.from({ length: 2000 }, () => setTimeout(() => {}, 60_000))
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    expect(rememberedCount()).toBeGreaterThan(1999)
    for (const timer of timers) clearTimeout(timer)
    watch.stop()
    expect(rememberedCount()).toBe(0)
    watch = watchLeaks()
    await closeMany()
    expect(rememberedCount()).toBeLessThan(200)
  })
})
