import net from 'node:net'

import { describe, expect, test } from 'vitest'

import { type Client, connect, ConnectError, describeEnding, type Ending, NetgraceError } from '../../src/index.ts'
import { bareServer, closed, openSockets, refusing, turns, unanswering, until } from '../support.ts'
import { dial, echo } from './parts.ts'

async function pair(options?: Parameters<typeof connect>[1]): Promise<{ client: Client; peer: net.Socket }> {
  const bare = await bareServer()
  const client = await dial(bare, options)
  return { client, peer: await bare.socket() }
}

async function failure(connecting: Promise<Client>): Promise<ConnectError> {
  const error: unknown = await connecting.then(
    () => new Error('it connected'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ConnectError)
  return error as ConnectError
}

describe('eof', () => {
  test('by the peer: its FIN came first', async () => {
    const { client, peer } = await pair()
    await client.send('question')
    peer.resume().end('answer')
    const ending = await client.ended
    expect(ending).toStrictEqual({
      kind: 'eof',
      by: 'peer',
      phase: 'open',
      certain: true,
      bytesRead: 6,
      bytesWritten: 8,
      durationMs: expect.any(Number),
    })
    expect(describeEnding(ending)).toBe('EOF: the peer closed the connection gracefully')
  })

  test('by us: our FIN was first', async () => {
    const { client, peer } = await pair()
    peer.on('end', () => peer.end()).resume()
    client.halfClose()
    const ending = await client.ended
    expect(ending).toMatchObject({ kind: 'eof', by: 'local', phase: 'open' })
    expect(describeEnding(ending)).toMatch(/^EOF: we closed first/)
  })

  test('by us, when a socket of ours was ended by hand', async () => {
    const { client, peer } = await pair()
    peer.on('end', () => peer.end()).resume()
    client.socket.end()
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'local' })
  })

  test('by the peer, although we answer its FIN with ours and something fails after it', async () => {
    const { client, peer } = await pair({ allowHalfOpen: true })
    peer.end('x')
    await client.readToEnd()
    peer.resetAndDestroy()
    await closed(peer)
    while (!client.socket.destroyed) {
      await client.send('anybody?').catch(() => {})
      await turns(1)
    }
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer', certain: true })
  })

  test('only once it is over: a half-open client that has seen the FIN has not ended', async () => {
    const { client, peer } = await pair({ allowHalfOpen: true })
    peer.end()
    await client.readToEnd()
    await turns(20)
    await expect(client.endsWithin(5)).rejects.toMatchObject({ code: 'ERR_NETGRACE_TIMEOUT' })
    client.halfClose()
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer' })
  })

  test('our FIN answers theirs unless half-open is allowed', async () => {
    const { client, peer } = await pair()
    peer.resume().end()
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer' })
    await until(() => peer.readableEnded)
  })
})

describe('reset', () => {
  test('by the peer', async () => {
    const { client, peer } = await pair()
    peer.resetAndDestroy()
    const ending = await client.ended
    expect(ending).toMatchObject({ kind: 'reset', by: 'peer', phase: 'open', certain: true, cause: { code: 'ECONNRESET' } })
    expect(describeEnding(ending)).toBe('RST: connection reset by peer')
  })

  test('by a peer that is gone with our bytes unread', async () => {
    const bare = await bareServer(() => {}, { pauseOnConnect: true })
    const client = await dial(bare)
    const peer = await bare.socket()
    await client.send('unread')
    peer.destroy()
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer', certain: true })
  })

  test('by us', async () => {
    const { client } = await pair()
    const ending = await client.reset()
    expect(ending).toMatchObject({ kind: 'reset', by: 'local', phase: 'open', certain: true })
    expect(describeEnding(ending)).toBe('RST: connection reset by us')
    expect(await client.ended).toStrictEqual(ending)
  })

  test('by us, although the peer answers it with a reset of its own', async () => {
    const { client, peer } = await pair()
    const reset = client.reset()
    peer.resetAndDestroy()
    expect(await reset).toMatchObject({ kind: 'reset', by: 'local' })
  })

  test('by a server that forces', async () => {
    const server = await echo()
    const client = await dial(server, { allowHalfOpen: true })
    const connection = await server.connectionOf(client)
    await server.stop({ graceMs: 0 })
    expect(await connection.ended).toMatchObject({ kind: 'reset', by: 'local' })
  })
})

describe('closed', () => {
  test('by us: destroyed here', async () => {
    const { client } = await pair()
    client.socket.destroy()
    const ending = await client.ended
    expect(ending).toMatchObject({ kind: 'closed', by: 'local', phase: 'open', certain: true })
    expect(describeEnding(ending)).toMatch(/^CLOSED: /)
  })

  test('by a signal of ours', async () => {
    const controller = new AbortController()
    const { client } = await pair({ signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await client.ended).toMatchObject({ kind: 'closed', by: 'local', phase: 'open', cause: reason })
  })

  test('by a signal of ours while connecting', async () => {
    const controller = new AbortController()
    const connecting = failure(connect(await unanswering(), { signal: controller.signal }))
    const reason = new Error('enough')
    controller.abort(reason)
    const error = await connecting
    expect(error.ending).toMatchObject({ kind: 'closed', by: 'local', phase: 'connecting', cause: reason })
    expect(error.cause).toBe(reason)
    expect(describeEnding(error.ending)).toBe('CLOSED: given up here while connecting')
  })
})

describe('refused', () => {
  test('by the peer: nobody listens', async () => {
    const error = await failure(connect(await refusing()))
    expect(error).toBeInstanceOf(NetgraceError)
    expect(error).toMatchObject({ name: 'ConnectError', code: 'ERR_NETGRACE_CONNECT', cause: { code: 'ECONNREFUSED' } })
    expect(error.ending).toMatchObject({ kind: 'refused', by: 'peer', phase: 'connecting', certain: true, bytesRead: 0, bytesWritten: 0 })
    expect(describeEnding(error.ending)).toBe('REFUSED: nobody listens there (ECONNREFUSED)')
  })

  test('says where', async () => {
    const { host, port } = await refusing()
    expect((await failure(connect({ host, port }))).message).toContain(`127.0.0.1:${port}`)
  })

  test('by a name with several addresses', async () => {
    const { port } = await refusing()
    expect((await failure(connect({ host: 'localhost', port }))).ending).toMatchObject({ kind: 'refused', by: 'peer' })
  })

  test('by a path that is not there', async () => {
    expect((await failure(connect({ path: '/nonexistent/netgrace.sock' }))).ending).toMatchObject({
      kind: 'refused',
      by: 'peer',
      cause: { code: 'ENOENT' },
    })
  })

  test('leaves nothing open', async () => {
    const at = await refusing()
    const before = openSockets()
    for (let n = 0; n < 10; n++) await failure(connect(at))
    expect(openSockets()).toBe(before)
  })
})

describe('timeout', () => {
  test.runIf(process.platform === 'linux')('by us: connecting', async () => {
    const at = await unanswering()
    const before = openSockets()
    const error = await failure(connect(at, { connectTimeoutMs: 40 }))
    expect(error.ending).toMatchObject({ kind: 'timeout', by: 'local', phase: 'connecting', certain: true })
    expect(error.ending.durationMs).toBeGreaterThanOrEqual(35)
    expect(describeEnding(error.ending)).toMatch(/^TIMEOUT: no answer to the connect within \d+ ms$/)
    expect(openSockets()).toBe(before)
  })

  test('by us: idle', async () => {
    const { client } = await pair({ idleTimeoutMs: 40 })
    const ending = await client.ended
    expect(ending).toMatchObject({ kind: 'timeout', by: 'local', phase: 'open', certain: true })
    expect(ending.durationMs).toBeGreaterThanOrEqual(35)
    expect(describeEnding(ending)).toMatch(/^TIMEOUT: /)
    expect(client.socket.destroyed).toBe(true)
  })

  test('by us: idle, but not while something comes', async () => {
    const { client, peer } = await pair({ idleTimeoutMs: 300 })
    let sent = 0
    const timer = setInterval(() => (++sent < 16 ? void peer.write('x') : clearInterval(timer)), 25)
    const ending = await client.ended
    clearInterval(timer)
    expect(ending.kind).toBe('timeout')
    expect(ending.bytesRead).toBe(15)
    expect(ending.durationMs).toBeGreaterThan(300 + 15 * 20)
  })

  test('by us: closing', async () => {
    const { client } = await pair({ closeTimeoutMs: 40 })
    expect(await client.close()).toMatchObject({ kind: 'timeout', by: 'local', phase: 'open' })
  })
})

describe('error', () => {
  test('by us: anything else, with its cause', async () => {
    const error = await failure(connect(await bareServer(), { localAddress: '192.0.2.1' }))
    expect(error.ending).toMatchObject({ kind: 'error', by: 'local', phase: 'connecting', cause: { code: 'EADDRNOTAVAIL' } })
    expect(describeEnding(error.ending)).toMatch(/^ERROR: .*EADDRNOTAVAIL/)
  })

  test('by us: a socket that was destroyed with an error', async () => {
    const { client } = await pair()
    const cause = new Error('odd')
    client.socket.destroy(cause)
    expect(await client.ended).toMatchObject({ by: 'local' })
  })
})

describe('the first act of ours decides', () => {
  test.each<[what: string, act: (client: Client) => void, kind: string]>([
    ['reset, then destroyed', (client) => (void client.reset(), client.socket.destroy()), 'reset'],
    ['destroyed, then reset', (client) => (client.socket.destroy(), void client.reset()), 'closed'],
    ['closing, then reset', (client) => (void client.close(), void client.reset()), 'reset'],
  ])('%s', async (_what, act, kind) => {
    const { client } = await pair()
    act(client)
    expect(await client.ended).toMatchObject({ kind, by: 'local' })
  })
})

test('an ending tells how long it was, from the dial', async () => {
  const { client, peer } = await pair()
  const before = performance.now()
  await new Promise((resolve) => setTimeout(resolve, 30))
  peer.end()
  const { durationMs } = await client.ended
  expect(durationMs).toBeGreaterThanOrEqual(25)
  expect(durationMs).toBeLessThan(performance.now() - before + 1000)
})

test('an ending is one value, whoever asks', async () => {
  const { client, peer } = await pair()
  peer.end()
  const ending: Ending = await client.ended
  expect(await client.close()).toStrictEqual(ending)
  expect(await client.endsWithin(10)).toStrictEqual(ending)
  expect(await client.ask('x').catch((error: unknown) => (error as ConnectError).ending)).toStrictEqual(ending)
})

test('both ends of one connection tell the same story', async () => {
  const server = await echo()
  const client = await dial(server)
  const connection = await server.connectionOf(client)
  await client.ask('12345')
  const [ours, theirs] = [await client.close(), await connection.ended]
  expect(ours).toMatchObject({ kind: 'eof', by: 'local', bytesRead: 6, bytesWritten: 6 })
  expect(theirs).toMatchObject({ kind: 'eof', by: 'peer', bytesRead: 6, bytesWritten: 6 })
})
