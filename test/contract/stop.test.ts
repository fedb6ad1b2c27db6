import { once } from 'node:events'
import type net from 'node:net'
import { Worker } from 'node:worker_threads'

import { describe, expect, onTestFinished, test } from 'vitest'

import { ConnectionEndedError, connect, handlers, type Handler, NetgraceError } from '../../src/index.ts'
import { bareClient, bareServer, closed, connectBehindTheBack, dialBare, eventsOf, openSockets, textOf, turns, until } from '../support.ts'
import { answering, counted, dial, echo, neverSettling, serve } from './parts.ts'

/** A timer may fire so much before its time: the loop's clock is in whole milliseconds, and older than the call that sets it. */
const EARLY = 5

/** Takes what comes and never answers our FIN. */
async function stubbornClient(to: { readonly port: number }): Promise<net.Socket> {
  const client = await bareClient(to, { allowHalfOpen: true })
  return client.resume()
}

function localOf(socket: net.Socket): { local: { host: string; port: number } } {
  return { local: { host: socket.localAddress!, port: socket.localPort! } }
}

test('the report of a server that nobody came to is all zeroes', async () => {
  const server = await echo()
  expect(await server.stop()).toStrictEqual({
    accepted: 0,
    endedBefore: 0,
    drained: [],
    forced: [],
    unsettled: [],
    late: 0,
    handshakes: { pending: 0, failed: 0 },
    errors: [],
    durationMs: expect.any(Number),
    phases: { quitMs: expect.any(Number), drainMs: expect.any(Number), forceMs: expect.any(Number) },
  })
})

test('the first step comes at once: state, quit and `quitting` have changed when `stop()` returns', async () => {
  const server = await echo()
  const connection = await server.connectionOf(await dial(server))
  const stopped = server.stop()
  expect([server.state, server.quit.aborted, connection.quitting]).toStrictEqual(['quitting', true, true])
  await stopped
})

test('ten clients, ten messages, nothing left behind', async () => {
  const before = openSockets()
  const server = await echo()
  const clients = await Promise.all(Array.from({ length: 10 }, () => dial(server)))
  for (const client of clients) for (let n = 0; n < 10; n++) expect(await client.ask(`${n}`)).toBe(`${n}`)
  const report = await server.stop()
  expect(report).toMatchObject({ accepted: 10, endedBefore: 0, forced: [], unsettled: [], late: 0, errors: [] })
  expect(report.drained.map((record) => record.id).toSorted((a, b) => a - b)).toStrictEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  const endings = await Promise.all(clients.map((client) => client.ended))
  expect(endings.filter(({ kind, by }) => kind === 'eof' && by === 'peer').length).toBe(10)
  expect(server.connections.size).toBe(0)
  expect(openSockets()).toBe(before)
})

test('a record says who, how much and how long', async () => {
  const server = await serve(answering)
  const client = await dial(server)
  await client.ask('12345')
  const { drained } = await server.stop()
  const [record] = drained
  expect(record).toMatchObject({
    id: 1,
    local: { host: server.host, port: server.port },
    peer: client.local,
    bytesRead: 6,
    bytesWritten: 9,
    handler: 'settled',
  })
  expect(record!.ending).toMatchObject({ kind: 'eof', by: 'local', phase: 'open', certain: true })
  expect(record!.openMs).toBeGreaterThan(0)
})

describe('the backlog', () => {
  test('20 clients that only the kernel knows are late, and each has connected and sees a reset', async () => {
    let handled = 0
    const server = await serve(() => void (handled += 1))
    const { events } = connectBehindTheBack(server, 20)
    const report = await server.stop()
    expect(report).toMatchObject({ late: 20, accepted: 0, endedBefore: 0, drained: [], forced: [], errors: [] })
    expect(await events).toStrictEqual(Array.from({ length: 20 }, () => ['connect', 'ECONNRESET']))
    expect(handled).toBe(0)
  })

  test('20 clients of the same process, dialled in the turn of `stop()`, connect and see a reset too', async () => {
    const server = await echo()
    const clients = Array.from({ length: 20 }, () => dialBare(server))
    const events = Promise.all(clients.map(eventsOf))
    expect(await server.stop()).toMatchObject({ late: 20, accepted: 0 })
    expect(await events).toStrictEqual(Array.from({ length: 20 }, () => ['connect', 'ECONNRESET', 'close']))
  })

  test('our own client says of being late: reset by peer', async () => {
    const server = await echo()
    const dialled = connect(server)
    const stopped = server.stop()
    const client = await dialled
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer', phase: 'open' })
    expect(await stopped).toMatchObject({ late: 1 })
  })

  test('four clients that redial at once do not keep us', async () => {
    const server = await echo()
    const redial = async (): Promise<void> => {
      while (!(await eventsOf(dialBare(server, { allowHalfOpen: false }))).includes('ECONNREFUSED')) continue
    }
    const redialling = Promise.all([redial(), redial(), redial(), redial()])
    const graceMs = 500
    const report = await server.stop({ graceMs })
    expect(report.durationMs).toBeLessThan(graceMs + 500)
    expect(report.late).toBeGreaterThan(4)
    expect(report.late).toBeLessThanOrEqual(512)
    expect(counted(report)).toBe(report.accepted)
    await redialling
  })

  test('is not let in past the deadline', async () => {
    const server = await echo()
    const { events } = connectBehindTheBack(server, 20)
    const report = await server.stop({ graceMs: 0 })
    expect(report.late).toBeLessThanOrEqual(20)
    for (const seen of await events) expect(seen).toStrictEqual(['connect', 'ECONNRESET'])
  })

  test('the listener is closed before anything drains: who comes then is refused', async () => {
    const server = await serve(() => {})
    await server.connectionOf(localOf(await stubbornClient(server)))
    const stopped = server.stop({ graceMs: 5000 })
    await until(() => server.state === 'draining')
    expect(await eventsOf(dialBare(server))).toStrictEqual(['ECONNREFUSED', 'close'])
    void server.stop({ graceMs: 0 })
    expect(await stopped).toMatchObject({ late: 0, forced: [{}] })
  })
})

describe('what is asked before `stop()` is answered', () => {
  test('20 requests sent on accepted connections in the turn of `stop()`', async () => {
    const server = await serve(answering)
    const clients = await Promise.all(Array.from({ length: 20 }, () => bareClient(server, { allowHalfOpen: false })))
    await Promise.all(clients.map((client) => server.connectionOf(localOf(client))))
    const answers = clients.map(textOf)
    for (const client of clients) client.write('hello\n')
    const report = await server.stop()
    expect(await Promise.all(answers)).toStrictEqual(Array.from({ length: 20 }, () => 're hello\n'))
    expect(report).toMatchObject({ accepted: 20, forced: [], errors: [] })
    expect(report.drained.length).toBe(20)
  })

  test('20 requests of our own clients', async () => {
    const server = await serve(answering)
    const clients = await Promise.all(Array.from({ length: 20 }, () => dial(server)))
    await Promise.all(clients.map((client) => server.connectionOf(client)))
    const answers = clients.map((client) => client.ask('hello'))
    const stopped = server.stop()
    expect(await Promise.all(answers)).toStrictEqual(Array.from({ length: 20 }, () => 're hello'))
    expect(await stopped).toMatchObject({ accepted: 20, forced: [] })
  })

  test('a handler that is busy at quit still hears the line that was there', async () => {
    let go = (): void => {}
    const gate = new Promise<void>((resolve) => (go = resolve))
    const lines: Array<string | undefined> = []
    const server = await serve(async (connection) => {
      await gate
      for (;;) {
        const line = await connection.readLine()
        lines.push(line)
        if (line === undefined) return
      }
    })
    const client = await dial(server)
    await server.connectionOf(client)
    await client.send('one\ntwo\nrest')
    const stopped = server.stop()
    await until(() => server.state === 'draining')
    go()
    await stopped
    expect(lines).toStrictEqual(['one', 'two', 'rest', undefined])
  })

  test('a handler that echoes by its socket gives back what was on its way, if its client ends', async () => {
    const server = await serve((connection) => connection.socket.pipe(connection.socket))
    const client = await bareClient(server)
    await server.connectionOf(localOf(client))
    const back = textOf(client)
    client.write('on its way')
    const stopped = server.stop()
    client.end()
    expect(await back).toBe('on its way')
    expect(await stopped).toMatchObject({ accepted: 1, forced: [] })
  })
})

describe('quit interrupts a blocked read', () => {
  const read: Record<string, (connection: Parameters<Handler>[0]) => Promise<unknown>> = {
    readLine: (connection) => connection.readLine(),
    read: async (connection) => (await connection.read(10)).toString(),
    readToEnd: async (connection) => (await connection.readToEnd()).toString(),
    iteration: async (connection) => {
      let text = ''
      for await (const chunk of connection) text += chunk.toString()
      return text
    },
  }

  test.each([
    ['readLine', undefined],
    ['read', ''],
    ['readToEnd', ''],
    ['iteration', ''],
  ])('%s: nothing had come', async (how, expected) => {
    let got: unknown = 'nothing yet'
    const server = await serve(async (connection) => {
      got = await read[how]!(connection)
    })
    const client = await dial(server)
    await server.connectionOf(client)
    expect(await server.stop()).toMatchObject({ drained: [{ handler: 'settled' }], forced: [], unsettled: [], errors: [] })
    expect(got).toBe(expected)
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer' })
  })

  test.each([
    ['readLine', 'abc'],
    ['read', 'abc'],
    ['readToEnd', 'abc'],
    ['iteration', 'abc'],
  ])('%s: what had come is delivered', async (how, expected) => {
    let got: unknown
    const server = await serve(async (connection) => {
      got = await read[how]!(connection)
    })
    const client = await bareClient(server, { allowHalfOpen: false })
    await server.connectionOf(localOf(client))
    client.resume()
    client.write('abc')
    expect(await server.stop()).toMatchObject({ drained: [{ handler: 'settled' }], errors: [] })
    expect(got).toBe(expected)
  })

  test('and every read after it', async () => {
    const reads: unknown[] = []
    const server = await serve(async (connection, quit) => {
      await once(quit, 'abort')
      reads.push(await connection.readLine(), await connection.readLine(), (await connection.read(5)).length)
    })
    await server.connectionOf(await dial(server))
    expect(await server.stop()).toMatchObject({ drained: [{ handler: 'settled' }] })
    expect(reads).toStrictEqual([undefined, undefined, 0])
  })

  test('but not a write: the handler can still say goodbye', async () => {
    const server = await serve(async (connection) => {
      while ((await connection.readLine()) !== undefined) continue
      await connection.send('goodbye\n')
    })
    const client = await dial(server)
    await server.connectionOf(client)
    const stopped = server.stop()
    expect(await client.readLine()).toBe('goodbye')
    expect(await stopped).toMatchObject({ forced: [], errors: [] })
  })

  test('the clients of the test are not interrupted by it', async () => {
    const server = await serve(async (connection, quit) => {
      await once(quit, 'abort')
      await connection.send('first\n')
      await turns(10)
      await connection.send('second\n')
    })
    const client = await dial(server)
    await server.connectionOf(client)
    const stopped = server.stop()
    expect([await client.readLine(), await client.readLine(), await client.readLine()]).toStrictEqual(['first', 'second', undefined])
    await stopped
  })
})

describe('megabytes that nobody reads', () => {
  test('a handler that returns leaves them unread, and the peer still sees a clean end', async () => {
    const server = await serve(async (connection) => {
      await connection.send('enough\n')
    })
    const client = dialBare(server, { allowHalfOpen: false })
    const [events, data] = [eventsOf(client), Buffer.alloc(8 * 2 ** 20)]
    client.write(data)
    const connection = await server.nextConnection()
    expect(await events).toStrictEqual(['connect', 'end', 'close'])
    expect(await connection.ended).toMatchObject({ kind: 'eof', by: 'local' })
    expect(await server.stop()).toMatchObject({ accepted: 1, endedBefore: 1, errors: [] })
  })

  test('at quit too', async () => {
    const server = await serve(async (_connection, quit) => {
      await once(quit, 'abort')
    })
    const client = dialBare(server, { allowHalfOpen: false })
    const events = eventsOf(client)
    client.write(Buffer.alloc(8 * 2 ** 20))
    await server.nextConnection()
    expect(await server.stop()).toMatchObject({ accepted: 1, drained: [{ ending: { kind: 'eof', by: 'local' } }], forced: [] })
    expect(await events).toStrictEqual(['connect', 'end', 'close'])
  })
})

describe('the deadline', () => {
  test('a clogged peer that never reads is forced at it, within half a second', async () => {
    const server = await serve(async (connection) => {
      await connection.send(Buffer.alloc(64 * 2 ** 20))
    })
    const client = await bareClient(server)
    client.pause()
    const connection = await server.connectionOf(localOf(client))
    const report = await server.stop({ graceMs: 200 })
    expect(report).toMatchObject({
      accepted: 1,
      drained: [],
      forced: [{ ending: { kind: 'reset', by: 'local' } }],
      errors: [],
      unsettled: [],
    })
    expect(report.durationMs).toBeGreaterThanOrEqual(200 - EARLY)
    expect(report.durationMs).toBeLessThan(700)
    expect(await connection.ended).toMatchObject({ kind: 'reset', by: 'local' })
  })

  test('a peer that never answers our FIN is forced, and sees a reset', async () => {
    const server = await echo()
    const client = await stubbornClient(server)
    await server.connectionOf(localOf(client))
    client.once('end', () => client.write('?')) // or a half-open socket would hear no reset
    const report = await server.stop({ graceMs: 50 })
    expect(report).toMatchObject({ accepted: 1, drained: [], forced: [{ handler: 'settled', ending: { kind: 'reset', by: 'local' } }] })
    expect(report.durationMs).toBeGreaterThanOrEqual(49)
    client.write('?')
    await closed(client)
  })

  test('a handler that never settles is unsettled, and `stop()` returns', async () => {
    const server = await serve(neverSettling)
    const client = await dial(server)
    await server.connectionOf(client)
    const report = await server.stop({ graceMs: 50 })
    expect(report).toMatchObject({ accepted: 1, forced: [{ id: 1, handler: 'pending' }], unsettled: [{ id: 1, handler: 'pending' }] })
    expect(counted(report)).toBe(1)
    expect(report.durationMs).toBeLessThan(2000)
    expect(server.connections.size).toBe(0)
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
  })

  test('a handler that never settles is unsettled although its client left long before', async () => {
    const server = await serve(neverSettling)
    const client = await dial(server)
    const connection = await server.connectionOf(client)
    await client.reset()
    await connection.ended
    const report = await server.stop({ graceMs: 50 })
    expect(report.unsettled).toMatchObject([{ id: 1, handler: 'pending', ending: { kind: 'reset', by: 'peer' } }])
    expect(counted(report)).toBe(1)
    expect(report.endedBefore).toBe(0)
  })

  test('a handler that waits for the stop of its own server is one of those', async () => {
    const server = await serve(async () => void (await server.stop({ graceMs: 50 })))
    await dial(server)
    await server.nextConnection()
    expect((await server.stop()).unsettled).toMatchObject([{ handler: 'pending' }])
  })

  test('a handler that settles once it has been forced is not unsettled', async () => {
    const server = await serve(async (connection) => void (await connection.ended))
    await server.connectionOf(await dial(server))
    expect(await server.stop({ graceMs: 30 })).toMatchObject({ forced: [{ handler: 'settled' }], unsettled: [], errors: [] })
  })

  test('`stop({ graceMs: 0 })` forces at once', async () => {
    const server = await serve((connection) => void connection.socket.resume())
    const clients = await Promise.all(Array.from({ length: 5 }, () => dial(server)))
    await Promise.all(clients.map((client) => server.connectionOf(client)))
    const report = await server.stop({ graceMs: 0 })
    expect(report.forced.length).toBe(5)
    expect(report.durationMs).toBeLessThan(500)
    for (const client of clients) expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
  })

  test('what is just saying goodbye is forced like the rest: at once, and nothing of it is left', async () => {
    const before = openSockets()
    const server = await serve(async (_connection, quit) => {
      if (!quit.aborted) await once(quit, 'abort')
    })
    const clients = await Promise.all(Array.from({ length: 5 }, () => bareClient(server, { allowHalfOpen: false })))
    await Promise.all(clients.map((client) => server.connectionOf(localOf(client))))
    const gone = clients.map(eventsOf)
    const report = await server.stop({ graceMs: 0 })
    await Promise.all(gone)
    expect(counted(report)).toBe(5)
    for (const { ending } of [...report.drained, ...report.forced]) expect(ending).toMatchObject({ by: 'local' })
    expect(openSockets()).toBe(before)
  })

  test('the grace of the options is the grace of `stop()`', async () => {
    const server = await serve((connection) => void connection.socket.resume(), { graceMs: 60 })
    await server.connectionOf(await dial(server))
    const report = await server.stop()
    expect(report.forced.length).toBe(1)
    expect(report.durationMs).toBeGreaterThanOrEqual(60 - EARLY)
    expect(report.durationMs).toBeLessThan(560)
  })

  test('the grace of a server that was told nothing is 1000 ms, and so is the patience of close()', async () => {
    const server = await serve((connection) => void connection.socket.resume())
    const [client, bare] = [await dial(server), await bareServer()]
    await server.connectionOf(client)
    const [report, ending] = await Promise.all([server.stop(), (await dial(bare)).close()])
    expect(report.forced.length).toBe(1)
    expect(ending.kind).toBe('timeout')
    for (const { durationMs } of [report, ending]) {
      expect(durationMs).toBeGreaterThanOrEqual(1000 - EARLY)
      expect(durationMs).toBeLessThan(1500)
    }
  })

  test('a peer that has closed in time is not cut because this thread was busy beyond the deadline', async () => {
    const server = await serve(async (connection) => void (await connection.readToEnd()))
    const untilEnded = closingBehindTheBack(server)
    await server.connectionsReach(20)
    const stopped = server.stop({ graceMs: 300 })
    await until(() => server.state === 'draining')
    await turns(2)
    untilEnded() // blocks until all of them have sent their FIN, beyond the deadline
    expect(await stopped).toMatchObject({ accepted: 20, forced: [] })
  })

  test('150 connections are all forced', async () => {
    const server = await serve((connection) => void connection.socket.resume())
    const clients = await Promise.all(Array.from({ length: 150 }, () => dial(server)))
    await Promise.all(clients.map((client) => server.connectionOf(client)))
    const report = await server.stop({ graceMs: 0 })
    expect(report).toMatchObject({ accepted: 150, endedBefore: 0, drained: [] })
    expect(report.forced.length).toBe(150)
  })

  test('a reset during drain counts as drained', async () => {
    const server = await serve(async (connection) => void (await connection.ended))
    const client = await dial(server)
    await server.connectionOf(client)
    const stopped = server.stop({ graceMs: 10_000 })
    await until(() => server.state === 'draining')
    await client.reset()
    expect(await stopped).toMatchObject({ drained: [{ ending: { kind: 'reset', by: 'peer' } }], forced: [] })
  })
})

describe('a later `stop()`', () => {
  test('gives the same promise', async () => {
    const server = await echo()
    const first = server.stop()
    expect(server.stop()).toBe(first)
    await first
    expect(server.stop()).toBe(first)
  })

  test('brings the deadline forward', async () => {
    const server = await serve((connection) => void connection.socket.resume())
    await server.connectionOf(await dial(server))
    const first = server.stop({ graceMs: 60_000 })
    await until(() => server.state === 'draining')
    expect(server.stop({ graceMs: 0 })).toBe(first)
    const report = await first
    expect(report.forced.length).toBe(1)
    expect(report.durationMs).toBeLessThan(5000)
  })

  test('brings it forward in the same turn too', async () => {
    const server = await serve((connection) => void connection.socket.resume())
    await server.connectionOf(await dial(server))
    void server.stop({ graceMs: 60_000 })
    expect((await server.stop({ graceMs: 0 })).forced.length).toBe(1)
  })

  test('shortens, counted from its own call', async () => {
    const server = await serve((connection) => void connection.socket.resume())
    await server.connectionOf(await dial(server))
    void server.stop({ graceMs: 60_000 })
    const report = await server.stop({ graceMs: 50 })
    expect(report.durationMs).toBeGreaterThanOrEqual(49)
    expect(report.durationMs).toBeLessThan(5000)
  })

  test('never puts it off', async () => {
    const server = await serve((connection) => void connection.socket.resume())
    await server.connectionOf(await dial(server))
    void server.stop({ graceMs: 50 })
    expect((await server.stop({ graceMs: 60_000 })).durationMs).toBeLessThan(5000)
  })

  test('without a grace of its own leaves the deadline where it is', async () => {
    const server = await serve((connection) => void connection.socket.resume(), { graceMs: 0 })
    await server.connectionOf(await dial(server))
    const first = server.stop({ graceMs: 100 })
    void server.stop()
    expect((await first).durationMs).toBeGreaterThanOrEqual(100 - EARLY)
  })

  test('with a wrong option is refused, and the stop under way goes on', async () => {
    const server = await echo()
    const first = server.stop()
    await expect((async () => server.stop({ graceMs: -1 }))()).rejects.toThrow(RangeError)
    expect(await first).toMatchObject({ accepted: 0 })
  })
})

describe('`stop()` out of season', () => {
  test('during a start resolves, and nothing listens after it', async () => {
    const before = openSockets()
    const server = await echo()
    await server.stop()
    for (let n = 0; n < 10; n++) {
      const started = server.start().catch((error: unknown) => error)
      if (n % 2 === 1) await turns(n % 3)
      expect(await server.stop()).toMatchObject({ accepted: 0, forced: [] })
      expect(server.state).toBe('stopped')
      const outcome = await started
      if (outcome !== undefined) expect(outcome).toBeInstanceOf(NetgraceError)
      expect(await eventsOf(dialBare(server))).toStrictEqual(['ECONNREFUSED', 'close'])
    }
    expect(openSockets()).toBe(before)
  })

  test('after a start that failed resolves', async () => {
    const server = await echo()
    await server.stop()
    await bareServer(() => {}, {}, server.port)
    await expect(server.start()).rejects.toMatchObject({ code: 'ERR_NETGRACE_LISTEN' })
    expect(await server.stop()).toMatchObject({ forced: [] })
    expect(server.state).toBe('stopped')
  })
})

describe('the errors of a report', () => {
  test('are what handlers threw, those of before `stop()` included', async () => {
    const [early, late] = [new Error('early'), new Error('late')]
    const server = await serve(async (connection, quit) => {
      if ((await connection.readLine()) === 'now') throw early
      if (!quit.aborted) await once(quit, 'abort')
      throw late
    })
    const [first, second] = [await dial(server), await dial(server)]
    await first.send('now\n')
    await first.ended
    await server.connectionOf(second)
    expect((await server.stop()).errors).toStrictEqual([early, late])
  })

  test('what is thrown and is no error is told as one', async () => {
    const server = await serve(async (connection) => {
      await connection.readLine()
      // oxlint-disable-next-line no-throw-literal -- the point of the test
      throw 'just words'
    })
    const client = await dial(server)
    await client.send('x\n')
    await client.ended
    const { errors } = await server.stop()
    expect(errors).toStrictEqual([expect.any(Error)])
    expect(errors[0]!.message + String(errors[0]!.cause)).toContain('just words')
  })

  test("leave out the end of a handler's own connection", async () => {
    const threw: unknown[] = []
    const server = await serve(async (connection) => {
      try {
        for (;;) await connection.send(Buffer.alloc(65536))
      } catch (error) {
        threw.push(error)
        throw error
      }
    })
    const client = await dial(server)
    const connection = await server.connectionOf(client)
    await client.read(100_000)
    await client.reset()
    await connection.ended
    await until(() => server.connections.size === 0)
    expect(threw).toStrictEqual([expect.any(ConnectionEndedError)])
    expect(threw[0]).toMatchObject({ ending: { kind: 'reset', by: 'peer' } })
    expect(await server.stop()).toMatchObject({ endedBefore: 1, errors: [] })
  })

  test("leave out what the handler's own socket threw", async () => {
    const server = await serve(async (connection) => {
      for await (const chunk of connection.socket) void chunk
    })
    const client = await dial(server)
    const connection = await server.connectionOf(client)
    await client.reset()
    await connection.ended
    await until(() => server.connections.size === 0)
    expect((await server.stop()).errors).toStrictEqual([])
  })

  test('leave out what our own cut did to a handler', async () => {
    const server = await serve(async (connection) => {
      for (;;) await connection.send(Buffer.alloc(65536))
    })
    const client = await bareClient(server)
    client.pause()
    await server.connectionOf(localOf(client))
    expect(await server.stop({ graceMs: 30 })).toMatchObject({ forced: [{}], errors: [], unsettled: [] })
  })

  test("hold the end of somebody else's connection", async () => {
    const upstream = await serve(async (connection) => void (await connection.readLine()))
    const server = await serve(async (connection) => {
      const further = await connect(upstream)
      await connection.readLine()
      await further.ask('and you?')
    })
    const client = await dial(server)
    await client.send('x\n')
    await client.ended
    expect((await server.stop()).errors).toMatchObject([{ name: 'ConnectionEndedError' }])
  })
})

test('what was forced and what was drained add up with what was over, in every mixture', async () => {
  const server = await serve(async (connection, quit) => {
    const line = await connection.readLine()
    if (line === 'return') return
    if (line === 'throw') throw new Error('thrown')
    if (line === 'wait') await once(quit, 'abort')
    if (line === 'hang') await new Promise(() => {})
    if (line === 'ended') await connection.ended
  })
  const lines = ['return', 'return', 'throw', 'wait', 'wait', 'wait', 'hang', 'ended']
  const clients = await Promise.all(lines.map(() => dial(server)))
  await Promise.all(clients.map(async (client, n) => client.send(`${lines[n]}\n`)))
  await Promise.all(clients.slice(0, 3).map((client) => client.ended))
  await until(() => server.connections.size === 5)
  const report = await server.stop({ graceMs: 50 })
  expect(report).toMatchObject({ accepted: 8, endedBefore: 3, unsettled: [{ handler: 'pending' }], errors: [{ message: 'thrown' }] })
  expect([report.drained.length, report.forced.length]).toStrictEqual([3, 2])
})

test('a stopped server leaves no timer that keeps the process', async () => {
  const server = await serve(handlers.silent(), { graceMs: 60_000 })
  await server.connectionOf(await dial(server))
  await server.stop()
  await turns(3)
  expect(process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap')).toStrictEqual([])
})

/** 20 clients in another thread, which answer our FIN after 50 ms. What it gives blocks this thread until they have, and beyond the deadline. */
function closingBehindTheBack(to: { readonly port: number }): () => void {
  const code = `
    const { workerData, parentPort } = require('node:worker_threads')
    const net = require('node:net')
    let ended = 0
    for (let n = 0; n < 20; n++) {
      const socket = net.connect({ port: workerData.port, host: '127.0.0.1', allowHalfOpen: true }).resume()
      socket.on('end', () => setTimeout(() => socket.end(() => Atomics.add(workerData.flag, 0, 1)), 50)).on('error', () => {})
    }`
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(code, { eval: true, workerData: { port: to.port, flag } })
  onTestFinished(async () => void (await worker.terminate()))
  return () => {
    const since = performance.now()
    while (performance.now() - since < 350 || Atomics.load(flag, 0) < 20) {
      if (performance.now() - since > 10_000) throw new Error('they did not end')
    }
  }
}
