import { once } from 'node:events'
import net from 'node:net'

import { expect, test } from 'vitest'

import { bareClient, bareServer, closed, dialBare, eventsOf, refusing, turns, unanswering } from '../support.ts'

async function listenError(port: number): Promise<string | undefined> {
  const server = net.createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
  await new Promise((resolve) => server.close(resolve))
  return undefined
}

test('a port held by a bound client socket refuses', async () => {
  const held = await refusing()
  for (let n = 0; n < 20; n++) expect(await eventsOf(dialBare(held))).toStrictEqual(['ECONNREFUSED', 'close'])
})

test.runIf(process.platform === 'linux')('who names a held port himself can listen on it: libuv binds with SO_REUSEADDR', async () => {
  const held = await refusing()
  expect(await listenError(held.port)).toBeUndefined()
})

test('the holder resets, and the port can be listened on at once', async () => {
  const holder = await bareServer()
  for (let n = 0; n < 20; n++) {
    const { port, close } = await bareServer()
    await close()
    const held = await bareClient(holder, { localPort: port, localAddress: '127.0.0.1' })
    held.resetAndDestroy()
    await closed(held)
    expect(await listenError(port)).toBeUndefined()
  }
})

test("a client's own port, chosen by the kernel, is in use for a listener", async () => {
  const client = await bareClient(await bareServer())
  expect(await listenError(client.localPort!)).toBe('EADDRINUSE')
})

test('a port can be listened on again right after its server closed its connections', async () => {
  let port = 0
  for (let n = 0; n < 20; n++) {
    const bare = await bareServer((socket) => socket.end(), {}, port)
    port = bare.port
    expect(await eventsOf(await bareClient(bare, { allowHalfOpen: false }))).toStrictEqual(['end', 'close'])
    await bare.close()
  }
})

test.runIf(process.platform === 'linux')('a full backlog in a sleeping thread never answers a connect', async () => {
  const client = dialBare(await unanswering())
  const events: string[] = []
  client.on('connect', () => events.push('connect')).on('error', () => events.push('error'))
  await turns(500)
  expect(events).toStrictEqual([])
  expect(client.connecting).toBe(true)
})
