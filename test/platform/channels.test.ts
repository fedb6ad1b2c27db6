import { createHook } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'

import { expect, onTestFinished, test } from 'vitest'

/** Notes by name what is published and what is born, with the stack of each, until the test is over. */
function watch(channel: string, type: string): { readonly what: string; readonly stack: string }[] {
  const seen: { what: string; stack: string }[] = []
  const note = (what: string): void => void seen.push({ what, stack: new Error(what).stack! })
  const published = (): void => note('published')
  const hook = createHook({ init: (_id, born) => born === type && note('born') }).enable()
  subscribe(channel, published)
  onTestFinished(() => {
    hook.disable()
    unsubscribe(channel, published)
  })
  return seen
}

async function listening(host?: string): Promise<Server> {
  const server = createServer((socket) => socket.resume()).listen(0, host)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return server
}

test('net.connect() publishes net.client.socket in the call, before its handle is born', async () => {
  const { port } = (await listening('127.0.0.1')).address() as AddressInfo
  const seen = watch('net.client.socket', 'TCPWRAP')
  const socket = (function dialling() {
    return connect(port, '127.0.0.1')
  })()
  expect(seen.map(({ what }) => what)).toEqual(['published', 'born'])
  for (const { stack } of seen) expect(stack).toMatch(/at dialling /)
  socket.destroy()
  await once(socket, 'close')
})

test('a listen() with a host publishes tracing:net.server.listen in the call, while its handle is born without it', async () => {
  const seen = watch('tracing:net.server.listen:asyncStart', 'TCPSERVERWRAP')
  await listening('localhost')
  const stackOf = (name: string): string => seen.find(({ what }) => what === name)!.stack
  expect(stackOf('published')).toMatch(/at listening /)
  expect(stackOf('born')).not.toMatch(/at listening /)
})

test('net.server.socket is published when the listeners have the socket, before anything of it is read', async () => {
  const server = await listening('127.0.0.1')
  const seen = watch('net.server.socket', 'none')
  const note = (what: string): void => void seen.push({ what, stack: '' })
  const received = new Promise<void>((resolve) => {
    server.on('connection', (socket) => {
      note('connection')
      socket.once('data', () => {
        note('data')
        resolve()
      })
    })
  })
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.end('x')
  await received
  expect(seen.map(({ what }) => what)).toEqual(['connection', 'published', 'data'])
  await once(socket.resume(), 'close')
})
