import { AsyncLocalStorage, createHook } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo, type Server } from 'node:net'

import { expect, onTestFinished, test } from 'vitest'

import { dialBare } from '../support.ts'

const storage = new AsyncLocalStorage<string>()
const major = Number(process.versions.node.split('.')[0])

/** Listens within `storage`; resolves to where. */
async function listen(server: Server): Promise<AddressInfo> {
  onTestFinished(() => void server.close())
  await storage.run('listener', () => once(server.listen(0, '127.0.0.1'), 'listening'))
  return server.address() as AddressInfo
}

/** Resolves to what the server's next socket sees when it is called, in its first `data`, and behind an `await` of that. */
async function seenBy(server: Server): Promise<unknown[]> {
  const seen: unknown[] = []
  const all = new Promise<void>((resolve) => {
    server.once('connection', (socket) => {
      seen.push(storage.getStore())
      socket.once('data', () => {
        seen.push(storage.getStore())
        void Promise.resolve().then(() => {
          seen.push(storage.getStore())
          socket.destroy()
          resolve()
        })
      })
    })
  })
  dialBare(await listen(server)).write('x')
  await all
  return seen
}

test('a listener has the context of its `listen()`, what it accepts has none', async () => {
  expect(await seenBy(net.createServer())).toEqual(['listener', undefined, undefined])
})

test('a handle that is reset gets a new id, and the context of who resets it', async () => {
  const ids: number[] = []
  const reset = (message: unknown): void => {
    const { _handle: handle } = (message as { socket: { _handle: { getAsyncId(): number; asyncReset(resource: object): void } } }).socket
    ids.push(handle.getAsyncId())
    storage.run('reset', () => handle.asyncReset(handle))
    ids.push(handle.getAsyncId())
  }
  subscribe('net.server.socket', reset)
  onTestFinished(() => void unsubscribe('net.server.socket', reset))
  expect(await seenBy(net.createServer())).toEqual(['listener', 'reset', 'reset'])
  expect(ids[1]).toBeGreaterThan(ids[0]!)
})

test('`upgrade` has the context of the listener from Node 24 on, and a request on each', async () => {
  const seen: unknown[] = []
  const server = http.createServer((_, response) => {
    seen.push(storage.getStore())
    response.end()
  })
  server.on('upgrade', (_, socket) => {
    seen.push(storage.getStore())
    socket.end()
  })
  const address = await listen(server)
  // The hook that the older ones need, if nobody has one.
  const hook = createHook({ init() {} }).enable()
  onTestFinished(() => void hook.disable())
  for (const headers of ['connection: close\r\n', 'connection: upgrade\r\nupgrade: x\r\n']) {
    const client = dialBare(address).resume()
    client.write(`GET / HTTP/1.1\r\nhost: a.test\r\n${headers}\r\n`)
    await once(client, 'end')
  }
  expect(seen).toEqual(['listener', major < 24 ? undefined : 'listener'])
})
