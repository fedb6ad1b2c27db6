import { getEventListeners } from 'node:events'

import { describe, expect, test } from 'vitest'

import { NetgraceError } from '../../src/index.ts'
import { bareClient, turns, until } from '../support.ts'
import { dial, echo, serve } from './parts.ts'

describe('connectionsReach', () => {
  test('resolves to all that are live, oldest first, once so many are', async () => {
    const server = await echo()
    const reached = server.connectionsReach(3)
    const clients = [await dial(server), await dial(server), await dial(server)]
    expect((await reached).map(({ peer }) => peer)).toStrictEqual(clients.map(({ local }) => local))
  })

  test('resolves at once if so many are live already, or more', async () => {
    const server = await echo()
    for (let n = 0; n < 3; n++) await (await dial(server)).ask('x')
    expect((await server.connectionsReach(3)).map(({ id }) => id)).toStrictEqual([1, 2, 3])
    expect((await server.connectionsReach(2, { withinMs: 0 })).length).toBe(3)
  })

  test('counts the clients of others too, and takes none from nextConnection', async () => {
    const server = await echo()
    await bareClient(server)
    expect((await server.connectionsReach(1)).length).toBe(1)
    expect(await server.nextConnection()).toMatchObject({ id: 1 })
  })

  test('does not count one that has ended before the others came', async () => {
    const server = await echo()
    const reached = server.connectionsReach(2)
    await (await dial(server)).close()
    await until(() => server.connections.size === 0)
    await (await dial(server)).ask('x')
    let done = false
    void reached.then(() => (done = true))
    await turns(5)
    expect(done).toBe(false)
    await dial(server)
    expect((await reached).map(({ id }) => id)).toStrictEqual([2, 3])
  })

  test('counts a connection whose socket has closed for as long as its handler goes on', async () => {
    const server = await serve(() => new Promise(() => {}))
    const client = await dial(server)
    const [connection] = await server.connectionsReach(1)
    await client.reset()
    await connection!.ended
    await dial(server)
    expect((await server.connectionsReach(2)).length).toBe(2)
    await server.stop({ graceMs: 0 })
  })

  test('says, when its time is over, how many came and how many are live', async () => {
    const server = await echo()
    for (let n = 0; n < 3; n++) await (await dial(server)).ask('x')
    await expect(server.connectionsReach(5, { withinMs: 20 })).rejects.toMatchObject({
      code: 'ERR_NETGRACE_TIMEOUT',
      message: `${server.url} did not reach 5 live connections within 20 ms: 3 came, at most 3 were live at once, 3 are now`,
    })
  })

  test('has a bound of its own, below the one of a test', async () => {
    const server = await echo()
    await expect(server.connectionsReach(1)).rejects.toMatchObject({
      code: 'ERR_NETGRACE_TIMEOUT',
      message: expect.stringContaining('within 2000 ms'),
    })
  })

  test('rejects when the server stops, while it waits and when it asks later', async () => {
    const server = await echo()
    const refused = expect(server.connectionsReach(1)).rejects.toMatchObject({ code: 'ERR_NETGRACE_STOPPED' })
    await server.stop()
    await refused
    await expect(server.connectionsReach(1)).rejects.toBeInstanceOf(NetgraceError)
    await server.start()
    const reached = server.connectionsReach(1)
    await dial(server)
    expect(await reached).toMatchObject([{ id: 1 }])
  })

  test("rejects with the signal's reason, and leaves nothing on the signal", async () => {
    const server = await echo()
    const controller = new AbortController()
    const reached = server.connectionsReach(1, { signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(reached).rejects.toBe(reason)
    expect(getEventListeners(controller.signal, 'abort')).toStrictEqual([])
  })

  test.each([
    [0, RangeError, /count must be an integer ≥ 1, got 0/],
    [1.5, RangeError, /count must be an integer ≥ 1, got 1.5/],
    ['2', TypeError, /count must be an integer ≥ 1, got "2"/],
  ])('refuses %o', async (count, kind, message) => {
    const server = await echo()
    await expect(server.connectionsReach(count as number)).rejects.toThrow(kind)
    await expect(server.connectionsReach(count as number)).rejects.toThrow(message)
  })
})
