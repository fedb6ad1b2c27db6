import { connect } from 'node:net'
import type { Socket } from 'node:net'

import { expect, onTestFinished, test } from 'vitest'

import { NetgraceError } from '../../src/model/errors.ts'
import { runScenario } from '../../src/scenario/run-scenario.ts'
import { startEchoServer } from '../../src/server/start-server.ts'
import { bareServer, openSockets, refusing, unanswering, until } from '../support.ts'

const echo = (socket: Socket): void => void socket.on('data', (chunk) => socket.write(chunk)).on('end', () => socket.end())

/** Answers each line by what `answer` makes of it; both halves are closed with the peer's. */
function lines(answer: (line: string, socket: Socket) => string): (socket: Socket) => void {
  return (socket) => {
    let text = ''
    socket.on('end', () => socket.end())
    socket.on('data', (chunk) => {
      const parts = (text + chunk.toString()).split('\n')
      text = parts.pop()!
      for (const part of parts) if (socket.writable) socket.write(answer(part, socket))
    })
  }
}

test('ten clients, ten messages: all come back, every client closes first, the server has nothing left', async () => {
  const server = await startEchoServer()
  const report = await runScenario(server)
  report.assertOk()
  expect(report).toMatchObject({ ok: true, sent: 100, echoed: 100, mismatched: 0 })
  expect(report.endings).toEqual({ eof: 10, reset: 0, closed: 0, refused: 0, timeout: 0, lost: 0, error: 0 })
  expect(report.clients.map(({ ending }) => `${ending.kind} by ${ending.by}`)).toEqual(Array(10).fill('eof by local'))
  expect(report.clients.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(report.summary).toMatch(/^10 clients, 100 of 100 messages echoed, in \d+ ms$/)
  expect(await server.stop()).toMatchObject({ accepted: 10, forced: [], unsettled: [], late: 0, errors: [] })
})

test('what is sent is "client #3, count 7" and a newline, both counted from 1', async () => {
  const seen: string[] = []
  const server = await bareServer(lines((line) => (seen.push(line), `${line}\n`)))
  const report = await runScenario(server, { clients: 3, messages: 7 })
  report.assertOk()
  expect(seen).toHaveLength(21)
  expect(new Set(seen)).toEqual(new Set([1, 2, 3].flatMap((c) => [1, 2, 3, 4, 5, 6, 7].map((n) => `client #${c}, count ${n}`))))
})

test('all clients are connected at the same time', async () => {
  const sockets: Socket[] = []
  const server = await bareServer((socket) => {
    sockets.push(socket)
    if (sockets.length === 70) for (const one of sockets) echo(one) // nobody is served before the last has come
  })
  const report = await runScenario(server, { clients: 70, messages: 2 })
  report.assertOk()
})

test('a message of megabytes comes back although neither side could hold it', async () => {
  const server = await startEchoServer()
  const report = await runScenario(server, { clients: 2, messages: 2, message: (client) => String(client).repeat(6_000_000) })
  report.assertOk()
  expect(report.clients[0]!.ending.bytesRead).toBe(12_000_002)
  await server.stop()
})

test('a reply is compared byte for byte: a carriage return makes it another', async () => {
  const server = await bareServer(lines((line) => `${line}\r\n`))
  const report = await runScenario(server, { clients: 1, messages: 3 })
  expect(report).toMatchObject({ ok: false, sent: 3, echoed: 0, mismatched: 3 })
  expect(report.clients[0]!.error?.message).toBe('message 1 of 3 came back as "client #1, count 1\\r\\n", not "client #1, count 1\\n"')
})

test('a reply that differs does not shift those behind it, and its client goes on', async () => {
  const server = await bareServer(lines((line) => (line === 'client #2, count 2' ? 'what?\n' : `${line}\n`)))
  const report = await runScenario(server, { clients: 3, messages: 4 })
  expect(report).toMatchObject({ ok: false, sent: 12, echoed: 11, mismatched: 1 })
  expect(report.endings.eof).toBe(3)
  expect(report.clients.map(({ error }) => error?.message)).toEqual([
    undefined,
    'message 2 of 4 came back as "what?\\n", not "client #2, count 2\\n"',
    undefined,
  ])
  expect(() => report.assertOk()).toThrow(
    expect.objectContaining({
      name: 'ScenarioError',
      code: 'ERR_NETGRACE_SCENARIO',
      report,
      cause: report.clients[1]!.error,
      message: expect.stringMatching(
        /^1 of 3 clients failed, 11 of 12 messages echoed, 1 changed on the way, in \d+ ms\n {2}client #2: 4 sent, 3 echoed, 1 changed; message 2 of 4 came back as "what\?\\n", not "client #2, count 2\\n"$/,
      ) as string,
    }),
  )
})

test('bytes that answer nothing are no success, even behind the last reply', async () => {
  const server = await bareServer((socket) => {
    echo(socket)
    socket.removeAllListeners('end').on('end', () => socket.end('bye\n'))
  })
  const report = await runScenario(server, { clients: 1, messages: 2 })
  expect(report).toMatchObject({ ok: false, echoed: 2, mismatched: 0, endings: { eof: 1 } })
  expect(report.clients[0]!.error?.message).toBe('4 bytes came after the last reply')
})

test('a message that the kernel has not taken whole when its server resets was not sent', async () => {
  const server = await bareServer((socket) => {
    socket.once('data', () => socket.resetAndDestroy())
  })
  const report = await runScenario(server, { clients: 1, messages: 1, message: () => 'x'.repeat(64_000_000) })
  expect(report).toMatchObject({ ok: false, sent: 0, echoed: 0, endings: { reset: 1 } })
})

test('a client that is reset is a row, and the other nine are not disturbed', async () => {
  const server = await bareServer(
    lines((line, socket) => {
      if (line === 'client #4, count 3') socket.resetAndDestroy()
      return `${line}\n`
    }),
  )
  const report = await runScenario(server)
  expect(report).toMatchObject({ ok: false, sent: 93, echoed: 92, endings: { eof: 9, reset: 1 } })
  const row = report.clients[3]!
  expect(row).toMatchObject({ id: 4, sent: 3, echoed: 2, ending: { kind: 'reset', by: 'peer' } })
  expect(row.error).toMatchObject({ code: 'ERR_NETGRACE_CONNECTION_ENDED', ending: { kind: 'reset' } })
  expect(row.error?.message).toBe('the connection ended while waiting for the reply to message 3 of 10: RST: connection reset by peer')
  expect(report.clients.filter(({ error }) => error)).toEqual([row])
})

test('a goodbye in the middle is told as one, during a pause at once', async () => {
  const server = await bareServer(
    lines((line, socket) => {
      setImmediate(() => socket.end())
      return `${line}\n`
    }),
  )
  const report = await runScenario(server, { clients: 2, messages: 2, intervalMs: 2_000_000_000, timeoutMs: 2_000_000_000 })
  expect(report).toMatchObject({ ok: false, sent: 2, echoed: 2, endings: { eof: 2 } })
  expect(report.clients[0]!.error?.message).toBe(
    'the connection ended while pausing before message 2 of 2: EOF: the peer closed the connection gracefully',
  )
})

test('a connection that nobody accepts is a row each, and nothing is open', async () => {
  const to = await refusing()
  const before = openSockets()
  const report = await runScenario(to, { clients: 5 })
  expect(report).toMatchObject({ ok: false, sent: 0, echoed: 0, messagesPerSecond: 0, endings: { refused: 5 } })
  expect(report.clients[0]!.error).toMatchObject({ code: 'ERR_NETGRACE_CONNECT' })
  expect(report.latencyMs.p99).toBeNaN()
  expect(openSockets()).toBe(before)
})

test('a server that resets after the last reply has not said goodbye', async () => {
  const server = await bareServer((socket) => {
    socket.on('data', (chunk) => socket.write(chunk))
    socket.on('end', () => setTimeout(() => socket.resetAndDestroy(), 20)) // away from the data, for old Nodes
  })
  const report = await runScenario(server, { clients: 1, messages: 1 })
  expect(report).toMatchObject({ ok: false, echoed: 1, endings: { reset: 1 } })
  expect(report.clients[0]!.error?.message).toBe('the connection ended while closing after its last message: RST: connection reset by peer')
})

test('the timeout bounds the whole, and each row says what its client was doing', async () => {
  const server = await bareServer((socket) => {
    let seen = 0
    socket.on('data', (chunk) => ++seen < 3 && socket.write(chunk))
  })
  const before = openSockets()
  const report = await runScenario(server, { clients: 3, messages: 5, timeoutMs: 600 })
  expect(report.durationMs).toBeGreaterThanOrEqual(599)
  expect(report).toMatchObject({ ok: false, sent: 9, echoed: 6, endings: { timeout: 3 } })
  for (const { error, ending } of report.clients) {
    expect(error).toMatchObject({ code: 'ERR_NETGRACE_TIMEOUT' })
    expect(error?.message).toMatch(/^not done within 600 ms: waiting for the reply to message 3 of 5 since \d+ ms$/)
    expect(ending).toMatchObject({ kind: 'timeout', by: 'local', phase: 'open', cause: error })
  }
  expect(openSockets() - before).toBeLessThanOrEqual(3) // those of the bare server, which may not have seen it yet
})

test('the timeout cuts a dial, too', async () => {
  const to = await unanswering()
  const report = await runScenario(to, { clients: 2, timeoutMs: 100 })
  expect(report).toMatchObject({ ok: false, sent: 0, endings: { timeout: 2 } })
  expect(report.clients[0]!.error?.message).toMatch(
    new RegExp(`^not done within 100 ms: connecting to 127.0.0.1:${to.port} since \\d+ ms$`),
  )
  expect(report.clients[0]!.ending).toMatchObject({ kind: 'timeout', by: 'local', phase: 'connecting' })
})

test('the timeout cuts a pause, and a peer that never says goodbye', async () => {
  const server = await bareServer((socket) => socket.on('data', (chunk) => socket.write(chunk)))
  const report = await runScenario(server, { clients: 1, messages: 2, intervalMs: 100_000, timeoutMs: 600 })
  expect(report.clients[0]!.error?.message).toMatch(/^not done within 600 ms: pausing before message 2 of 2 since/)
  const mute = await runScenario(server, { clients: 1, messages: 1, timeoutMs: 600 })
  expect(mute.clients[0]!.error?.message).toMatch(/^not done within 600 ms: waiting for the peer to close in answer since/)
})

test('an abort sends nothing new, reads the reply that is on its way, and closes with a goodbye', async () => {
  const stop = new AbortController()
  const held: Array<() => void> = []
  const server = await bareServer(
    lines((line, socket) => {
      if (!line.endsWith('count 2')) return `${line}\n`
      held.push(() => socket.write(`${line}\n`))
      if (held.length === 4) {
        stop.abort(new Error('enough'))
        for (const answer of held) answer()
      }
      return ''
    }),
  )
  const report = await runScenario(server, { clients: 4, messages: 10, signal: stop.signal })
  expect(report).toMatchObject({ ok: false, sent: 8, echoed: 8, endings: { eof: 4 } })
  for (const { error } of report.clients) {
    expect(error).toMatchObject({
      code: 'ERR_NETGRACE_STOPPED',
      message: 'stopped before message 3 of 10: enough',
      cause: stop.signal.reason,
    })
  }
})

test('an abort wakes those who pause, and gives up those who dial', async () => {
  const stop = new AbortController()
  const server = await bareServer(echo)
  const nobody = await unanswering()
  const pausing = runScenario(server, {
    clients: 20,
    messages: 2,
    intervalMs: 100_000,
    signal: stop.signal,
    onProgress: ({ echoed }) => echoed === 20 && stop.abort(),
  })
  const dialling = runScenario(nobody, { clients: 2, signal: stop.signal })
  expect(await pausing).toMatchObject({ sent: 20, echoed: 20, endings: { eof: 20 } })
  const report = await dialling
  expect(report).toMatchObject({ endings: { closed: 2 } })
  expect(report.clients[0]!.error?.message).toMatch(/^stopped while connecting to 127\.0\.0\.1:\d+: /)
  expect(report.clients[0]!.error?.message).toContain((stop.signal.reason as Error).message)
})

test('after an abort a reply that never comes is waited for a second, then its client is reset', async () => {
  const stop = new AbortController()
  let heard = 0
  const server = await bareServer((socket) => socket.on('data', () => ++heard === 2 && stop.abort()))
  const report = await runScenario(server, { clients: 2, signal: stop.signal })
  expect(report.durationMs).toBeGreaterThanOrEqual(999)
  expect(report).toMatchObject({ sent: 2, echoed: 0, endings: { reset: 2 } })
  expect(report.clients[0]).toMatchObject({ ending: { kind: 'reset', by: 'local' }, error: { code: 'ERR_NETGRACE_STOPPED' } })
  expect(report.clients[0]!.error?.message).toMatch(/^stopped and cut while waiting for the reply to message 1 of 10 since \d+ ms: /)
})

test('many scenarios on one signal leave no listener on it, and no warning', async () => {
  const warnings: Error[] = []
  const warned = (warning: Error): void => void warnings.push(warning)
  process.on('warning', warned)
  onTestFinished(() => void process.off('warning', warned))
  const { signal } = new AbortController()
  const server = await startEchoServer()
  for (let round = 0; round < 12; round++) (await runScenario(server, { clients: 20, messages: 1, signal })).assertOk()
  await server.stop()
  expect(warnings).toEqual([])
})

test('a message with a newline is wrong input: its client says so and closes, the others go on', async () => {
  const server = await startEchoServer()
  const message = (client: number, count: number): string => (client === 2 && count === 3 ? 'one\ntwo' : `${client}.${count}`)
  const report = await runScenario(server, { clients: 3, messages: 5, message })
  expect(report).toMatchObject({ ok: false, sent: 12, echoed: 12, endings: { eof: 3 } })
  expect(report.clients[1]!.error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
  expect(report.clients[1]!.error?.message).toBe('what message(2, 3) returns must be one line, without a newline, got "one\\ntwo"')
  expect(await server.stop()).toMatchObject({ accepted: 3, forced: [], errors: [] })
})

test('a message callback that throws, or gives no text, fails its own client alone', async () => {
  const server = await startEchoServer()
  const boom = new Error('boom')
  const message = (client: number): string => {
    if (client === 1) throw boom
    return client === 2 ? (7 as unknown as string) : 'fine'
  }
  const report = await runScenario(server, { clients: 3, messages: 2, message })
  expect(report.clients.map(({ error }) => error?.message)).toEqual([
    'message(1, 1) threw: boom',
    'what message(2, 1) returns must be a string, got 7',
    undefined,
  ])
  expect(report.clients[0]!.error?.cause).toBe(boom)
  expect(report).toMatchObject({ sent: 2, echoed: 2, endings: { eof: 3 } })
  expect(await server.stop()).toMatchObject({ forced: [] })
})

test('an async message callback is refused, and what it rejects with is not left unhandled', async () => {
  const server = await startEchoServer()
  const message = (async () => Promise.reject(new Error('later'))) as unknown as () => string
  for (const where of ['inline', 'thread'] as const) {
    const report = await runScenario(server, { clients: 1, messages: 1, in: where, message })
    expect(report.clients[0]!.error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
    expect(report.clients[0]!.error!.message).toMatch(/^what message\(1, 1\) returns must be a string, got Promise/)
  }
  await server.stop()
})

test('a reply without end is not read for ever', async () => {
  const server = await bareServer((socket) => {
    const chunk = Buffer.alloc(65_536, 'x')
    const flood = (): void => {
      while (socket.writable && socket.write(chunk));
    }
    socket
      .on('data', flood)
      .on('drain', flood)
      .on('end', () => socket.end())
  })
  const report = await runScenario(server, { clients: 1, messages: 1 })
  expect(report.clients[0]!.error?.message).toMatch(/^\d+ bytes came in reply to 19, and no newline$/)
})

test.each([
  [{ clients: 0 }, 'clients must be an integer from 1 to 100000, got 0'],
  [{ clients: 1.5 }, 'clients must be an integer from 1 to 100000, got 1.5'],
  [{ clients: 1e12 }, 'clients must be an integer from 1 to 100000, got 1000000000000'],
  [{ messages: -1 }, 'messages must be an integer from 1 to 100000000, got -1'],
  [
    { clients: 10_001, messages: 10_000 },
    'clients × messages must be 100000000 at most: the time of each round trip is kept, got 100010000',
  ],
  [{ intervalMs: NaN }, /^intervalMs must be a finite number ≥ 0.*got NaN$/],
  [{ timeoutMs: 0 }, /^timeoutMs must be a finite number > 0.*got 0$/],
  [{ in: 'elsewhere' }, 'in must be one of inline, thread, process, got "elsewhere"'],
  [{ message: 'hello' }, 'message must be a function, got "hello"'],
  [{ onProgress: 1 }, 'onProgress must be a function, got 1'],
  [{ signal: {} }, 'signal must be an AbortSignal, got {}'],
  [{ client: 3 }, /^options: a key must be one of clients, messages.*got "client"$/],
])('wrong options are refused before anything opens: %j', async (options, message) => {
  const before = openSockets()
  await expect(runScenario('127.0.0.1:9', options as object)).rejects.toThrow(message)
  expect(openSockets()).toBe(before)
})

test('an address without a port, and a signal that has aborted, are refused before anything opens', async () => {
  const before = openSockets()
  await expect(runScenario('127.0.0.1')).rejects.toThrow(TypeError)
  const refused = runScenario('127.0.0.1:9', { signal: AbortSignal.abort(new Error('gone')) })
  await expect(refused).rejects.toThrow(NetgraceError)
  await expect(refused).rejects.toMatchObject({ code: 'ERR_NETGRACE_STOPPED', cause: { message: 'gone' } })
  expect(openSockets()).toBe(before)
})

test('the report is clean JSON: no function, every ending with its cause in words', async () => {
  const to = await refusing()
  const report = await runScenario(to, { clients: 1 })
  const json = JSON.parse(JSON.stringify(report)) as Record<string, unknown>
  expect(Object.keys(json)).toEqual([
    'ok',
    'summary',
    'clients',
    'sent',
    'echoed',
    'mismatched',
    'endings',
    'latencyMs',
    'messagesPerSecond',
    'durationMs',
  ])
  expect(json['latencyMs']).toEqual({ min: null, mean: null, p50: null, p90: null, p99: null, max: null })
  expect(json['clients']).toMatchObject([
    {
      id: 1,
      ending: { kind: 'refused', cause: { code: 'ECONNREFUSED', message: `connect ECONNREFUSED 127.0.0.1:${to.port}` } },
      error: { code: 'ERR_NETGRACE_CONNECT', message: report.clients[0]!.error!.message },
    },
  ])
})

test('nothing is left open, whatever happened: file descriptors are where they were', async () => {
  const server = await startEchoServer()
  const before = openSockets()
  const stop = new AbortController()
  const rounds = [
    runScenario(server, { clients: 30 }),
    runScenario(server, { clients: 30, messages: 100, timeoutMs: 5 }),
    runScenario(server, {
      clients: 30,
      messages: 100,
      intervalMs: 5,
      signal: stop.signal,
      onProgress: ({ echoed }) => echoed > 60 && stop.abort(),
    }),
  ]
  for (const report of await Promise.all(rounds)) expect(report.clients).toHaveLength(30)
  await until(() => server.connections.size === 0)
  await until(() => openSockets() <= before)
  await server.stop()
})

test('a stranger who connects to the same server does not disturb the scenario', async () => {
  const server = await startEchoServer()
  const stranger = connect(server.port, server.host).on('error', () => {})
  const report = await runScenario(server)
  report.assertOk()
  stranger.destroy()
  await server.stop()
})
