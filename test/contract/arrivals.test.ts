import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { type Client, type Connection, handlers, startServer } from '../../src/index.ts'
import { Arrivals } from '../../src/server/arrivals.ts'
import type { ServerConnection } from '../../src/server/server-connection.ts'
import { bareClient, turns, until } from '../support.ts'
import { dial, echo, serve } from './parts.ts'

/** Clients that are connected, and whose accept is still to come, because this thread has not turned since. */
async function connectedUnseen(to: Parameters<typeof dial>[0], count: number): Promise<Client[]> {
  return Promise.all(Array.from({ length: count }, () => dial(to)))
}

describe('connectionOf', () => {
  test('is not robbed by a nextConnection that waits already, nor by a loop of them', async () => {
    const server = await echo()
    const seen: number[] = []
    const log = (async () => {
      for (;;) seen.push((await server.nextConnection()).id)
    })()
    log.catch(() => {})
    const connections = await Promise.all((await connectedUnseen(server, 10)).map((client) => server.connectionOf(client)))
    expect(connections.map(({ id }) => id).toSorted((a, b) => a - b)).toStrictEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(seen.length).toBe(new Set(seen).size)
  })

  test('of the same client, asked for three times before its accept, gives the same connection three times', async () => {
    const server = await echo()
    const client = await dial(server)
    const asked = [server.connectionOf(client), server.connectionOf(client), server.connectionOf(client)]
    const [connection] = await server.connectionsReach(1)
    expect(await Promise.all(asked)).toStrictEqual([connection, connection, connection])
  })

  test('does not take what a nextConnection asked for first, it shares it', async () => {
    const server = await echo()
    const next = server.nextConnection()
    const client = await dial(server)
    expect(await server.connectionOf(client)).toBe(await next)
  })

  test('keeps its connection from a nextConnection that asks later, accepted or not', async () => {
    const server = await echo()
    const [own, other] = await connectedUnseen(server, 2)
    const [mine, next] = [server.connectionOf(own!), server.nextConnection()]
    expect((await mine).peer).toStrictEqual(own!.local)
    expect((await next).peer).toStrictEqual(other!.local)
  })

  test('gives one that has ended, for as long as it is among the last 64', async () => {
    const server = await echo()
    const clients: Client[] = []
    for (let n = 0; n < 66; n++) {
      const client = await dial(server)
      await client.ask('x')
      await client.close()
      clients.push(client)
    }
    await until(() => server.connections.size === 0)
    expect(await server.connectionOf(clients.at(-1)!)).toMatchObject({ id: 66 })
    expect(await server.connectionOf(clients[2]!)).toMatchObject({ id: 3 })
    expect(await server.nextConnection()).toMatchObject({ id: 4 })
    const before = performance.now()
    for (const forgotten of clients.slice(0, 2)) {
      await expect(server.connectionOf(forgotten)).rejects.toMatchObject({
        code: 'ERR_NETGRACE_UNKNOWN_CONNECTION',
        message: expect.stringMatching(/has ended, and is forgotten: the last 64/),
      })
    }
    expect(performance.now() - before).toBeLessThan(1000)
  })

  test('waits for a client of ours that has the port of one that has ended', async () => {
    const server = await echo()
    const first = await dial(server)
    await first.ask('x')
    const ended = await server.connectionOf(first)
    await first.reset()
    await ended.ended
    await until(() => server.connections.size === 0)
    await turns(3)
    const dialledLater = { local: first.local, openedAtMs: performance.now() }
    const asked = server.connectionOf(dialledLater)
    const again = await bareClient(server, { localPort: (first.local as { port: number }).port, localAddress: '127.0.0.1' })
    expect(await asked).toMatchObject({ id: 2, peer: { port: again.localPort } })
  })

  test('and nextConnection of thousands cost no more for each than of a few', async () => {
    const arrivals = new Arrivals()
    const ends = Array.from({ length: 40_000 }, (_, n) => ({ host: `127.0.0.${n % 200}`, port: 1 + Math.floor(n / 200) }))
    for (const [n, peer] of ends.entries()) arrivals.arrived({ id: n + 1, peer } as ServerConnection)
    const before = performance.now()
    for (const [n, local] of ends.slice(0, 20_000).entries()) expect((await arrivals.of({ local }, 'here')).id).toBe(n + 1)
    for (let n = 20_000; n < 40_000; n++) expect((await arrivals.next({}, 'here')).id).toBe(n + 1)
    expect(performance.now() - before).toBeLessThan(8000) // looking through all of them, half a minute
  })

  test('over a unix socket says that it cannot tell', async () => {
    const server = await startServer(handlers.echo(), { path: join(tmpdir(), `netgrace-${process.pid}-arrivals.sock`) })
    const [first, second] = [await dial(server), await dial(server)]
    for (const client of [first, second]) {
      await expect(server.connectionOf(client)).rejects.toMatchObject({
        code: 'ERR_NETGRACE_UNKNOWN_CONNECTION',
        message: expect.stringMatching(/the client's end of a unix socket has no name/),
      })
    }
    expect([(await server.nextConnection()).id, (await server.nextConnection()).id]).toStrictEqual([1, 2])
    await server.stop({ graceMs: 0 })
  })

  test.each([[undefined], [{}], [{ local: {} }], [{ local: { host: '127.0.0.1' } }]])('refuses %o', async (client) => {
    const server = await echo()
    await expect(server.connectionOf(client as never)).rejects.toThrow(TypeError)
    await expect(server.connectionOf(client as never)).rejects.toThrow(/client must be a client, or \{ local: \{ host, port \} \}, got/)
  })

  test('of a client that never comes gives up well before a test does, and names both', async () => {
    const server = await echo()
    await expect(server.connectionOf({ local: { host: '127.0.0.1', port: 1 } })).rejects.toMatchObject({
      code: 'ERR_NETGRACE_TIMEOUT',
      message: `no connection from 127.0.0.1:1 was accepted on ${server.url} within 2000 ms`,
    })
  })
})

test('a connection that came in the turn in which a wait for it is given up is not lost', async () => {
  const controller = new AbortController()
  const server = await serve(() => queueMicrotask(() => controller.abort(new Error('enough'))))
  const next = server.nextConnection({ signal: controller.signal })
  await dial(server)
  const [connection] = await server.connectionsReach(1)
  const got = await next.catch(() => server.nextConnection({ withinMs: 0 }))
  expect(got).toBe(connection)
})

test('three hundred that wait for the next are served in their order', async () => {
  const server = await echo()
  const asked: Array<Promise<Connection>> = Array.from({ length: 300 }, () => server.nextConnection())
  await Promise.all(Array.from({ length: 300 }, () => bareClient(server)))
  expect((await Promise.all(asked)).map(({ id }) => id)).toStrictEqual(Array.from({ length: 300 }, (_, n) => n + 1))
})
