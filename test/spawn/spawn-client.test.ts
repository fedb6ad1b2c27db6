import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { describe, expect, onTestFinished, test } from 'vitest'

import { assertNoLeaks, handlers, startServer, type GracefulServer, type Handler } from '../../src/index.ts'
import { spawnClient, type SpawnOptions } from '../../src/spawn/spawn-client.ts'
import type { SpawnedClient, SpawnedProcessClient } from '../../src/spawn/spawned-client.ts'

async function serve(handler: Handler = handlers.echo()): Promise<GracefulServer> {
  const server = await startServer(handler)
  onTestFinished(async () => void (await server.stop({ graceMs: 0 })))
  return server
}

async function spawned(server: GracefulServer, options: SpawnOptions): Promise<SpawnedClient> {
  const client = await spawnClient(server, options)
  onTestFinished(async () => void (await client.reset()))
  return client
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe.each(['thread', 'process'] as const)('a client in a %s', (where) => {
  test('asks, and closes with eof on both sides', async () => {
    const server = await serve()
    const client = await spawned(server, { in: where })
    const connection = await server.connectionOf(client)
    expect(await client.ask('hello')).toBe('hello')
    expect(await client.close()).toMatchObject({ kind: 'eof', by: 'local', bytesRead: 6, bytesWritten: 6 })
    expect(await connection.ended).toMatchObject({ kind: 'eof', by: 'peer' })
  })

  test('reads lines, bytes, chunks and the rest', async () => {
    const server = await serve(async (connection) => {
      await connection.send('line\r\nbytes')
      await connection.readLine()
      await connection.send('chunk')
      await connection.readLine()
      await connection.send('rest')
    })
    const client = await spawned(server, { in: where })
    expect(await client.readLine()).toBe('line')
    expect(String(await client.read(5))).toBe('bytes')
    await client.send('\n')
    for await (const chunk of client) {
      expect(String(chunk)).toBe('chunk')
      break
    }
    await client.send('\n')
    expect(String(await client.readToEnd())).toBe('rest')
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer' })
  })

  test('what it had not read when the connection ended can still be read', async () => {
    const server = await serve(async (connection) => connection.send('one\ntwo\nthree'))
    const client = await spawned(server, { in: where })
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer' })
    expect([await client.readLine(), await client.readLine(), await client.readLine(), await client.readLine()]).toEqual([
      'one',
      'two',
      'three',
      undefined,
    ])
    await expect(client.ask('still there?')).rejects.toMatchObject({ name: 'ConnectionEndedError', ending: { kind: 'eof', by: 'peer' } })
  })

  test('a wait that is bounded rejects in time, and loses nothing', async () => {
    const server = await serve()
    const client = await spawned(server, { in: where })
    const reason = new Error('enough')
    await expect(client.readLine({ withinMs: 20 })).rejects.toMatchObject({ name: 'NetgraceError', code: 'ERR_NETGRACE_TIMEOUT' })
    await expect(client.readLine({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const aborting = new AbortController()
    const waiting = client.readLine({ signal: aborting.signal })
    aborting.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await client.send('late\n')
    expect(await client.readLine()).toBe('late')
  })

  test('its reset is a reset', async () => {
    const server = await serve()
    const client = await spawned(server, { in: where })
    const connection = await server.connectionOf(client)
    await client.ask('hello')
    expect(await client.reset()).toMatchObject({ kind: 'reset', by: 'local' })
    expect(await connection.ended).toMatchObject({ kind: 'reset', by: 'peer' })
  })

  test('a reset by the server is told with its cause', async () => {
    const server = await serve()
    const client = await spawned(server, { in: where })
    await client.ask('hello')
    const waiting = client.readLine()
    void (await server.connectionOf(client)).reset()
    expect(await waiting).toBeUndefined()
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer', cause: { code: 'ECONNRESET', syscall: 'read' } })
  })

  test('nobody there is the same error as here', async () => {
    const server = await serve()
    await server.stop()
    await expect(spawnClient(server, { in: where })).rejects.toMatchObject({
      name: 'ConnectError',
      code: 'ERR_NETGRACE_CONNECT',
      ending: { kind: 'refused', by: 'peer', phase: 'connecting' },
      cause: { code: 'ECONNREFUSED' },
    })
  })

  test('half-closes, pauses and drips', async () => {
    const server = await serve(async (connection) => connection.send(`${(await connection.readToEnd()).length}`))
    const client = await spawned(server, { in: where })
    await client.pause()
    await client.drip('12345', { everyMs: 1 })
    const connection = await server.connectionOf(client)
    while (connection.socket.bytesRead < 5) await new Promise(setImmediate)
    await client.halfClose()
    await client.resume()
    expect(String(await client.readToEnd())).toBe('5')
  })

  test('back-pressure passes through: what it does not read, the server cannot send', async () => {
    let sent = false
    const server = await serve(async (connection) => {
      await connection.send(Buffer.alloc(64 * 2 ** 20))
      sent = true
    })
    const client = await spawned(server, { in: where })
    expect((await client.read(1000)).length).toBe(1000)
    expect(sent).toBe(false)
    expect((await client.readToEnd()).length).toBe(64 * 2 ** 20 - 1000)
  })

  test('a wrong argument is refused while it lives, and after its end', async () => {
    const server = await serve(async (connection) => connection.send('abcdef'))
    const client = await spawned(server, { in: where })
    const wrong = (): (() => Promise<unknown>)[] => [
      ...[-1, 0, NaN, 1.5, 'x'].map((bytes) => () => client.read(bytes as number)),
      () => client.read(1, { withinMs: -5 }),
      () => client.readLine({ withinMs: NaN }),
      () => client.readToEnd({ within: 5 } as never),
      () => client.ask('two\nlines'),
      () => client.ask(7 as never),
      () => client.send({} as never),
      () => client.drip('x', { everyMs: 0 }),
      () => client.endsWithin(-1),
    ]
    for (const call of wrong())
      await expect(call()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(INVALID_ARG|OUT_OF_RANGE)/) as string })
    await client.close()
    for (const call of wrong())
      await expect(call()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(INVALID_ARG|OUT_OF_RANGE)/) as string })
    const gone = new Error('gone')
    await expect(client.read(1, { signal: AbortSignal.abort(gone) })).rejects.toBe(gone)
  })

  test('aborting it with a reason that is its own cause, or has no text, closes it as any', async () => {
    const server = await serve()
    const round = new Error('round')
    round.cause = round
    for (const reason of [round, Object.assign(new Error('x'), { message: Symbol('s') }), Object.create(null) as object]) {
      const aborting = new AbortController()
      const client = await spawned(server, { in: where, signal: aborting.signal })
      aborting.abort(reason)
      expect(await client.ended).toMatchObject({ kind: 'closed', by: 'local' })
    }
  })

  test('aborting its signal closes it, and its thread or process is gone', async () => {
    const server = await serve()
    const aborting = new AbortController()
    const client = await spawned(server, { in: where, signal: aborting.signal })
    aborting.abort(new Error('enough'))
    expect(await client.ended).toMatchObject({ kind: 'closed', by: 'local', cause: { message: 'enough' } })
  })

  test.each([
    [{ in: 'elsewhere' }, /in must be one of thread, process, got "elsewhere"/],
    [{ idleTimeoutMs: -1 }, /idleTimeoutMs must be a finite number > 0/],
    [{ tls: { checkServerIdentity: () => undefined } }, /options that can be handed to another thread/],
    [{ where: 'thread' }, /a key must be one of/],
  ])('refuses %o', async (options, message) => {
    await expect(spawnClient('127.0.0.1:9', { in: where, ...options } as never)).rejects.toThrow(message)
  })
})

test('a thread cannot be killed, frozen or thawed: that is refused, and harms nothing', async () => {
  const server = await serve()
  const client = (await spawned(server, { in: 'thread' })) as SpawnedProcessClient
  for (const method of ['kill', 'freeze', 'thaw'] as const) {
    await expect(client[method]()).rejects.toMatchObject({
      code: 'ERR_NETGRACE_SPAWN',
      message: expect.stringMatching(new RegExp(`^${method}\\(\\) goes with in: 'process'`)) as string,
    })
  }
  expect(await client.ask('still here?')).toBe('still here?')
})

describe('a client in a process', () => {
  async function inProcess(server: GracefulServer, options: object = {}): Promise<SpawnedProcessClient> {
    return (await spawned(server, { in: 'process', ...options })) as SpawnedProcessClient
  }

  test('killed while idle is a clean end to the server, and has an ending of its own', async () => {
    const server = await serve()
    const client = await inProcess(server)
    const connection = await server.connectionOf(client)
    await client.ask('hello')
    const waiting = client.readLine()
    expect(await client.kill()).toEqual({ code: null, signal: 'SIGKILL' })
    expect(await connection.ended).toMatchObject({ kind: 'eof', by: 'peer' })
    expect(await client.ended).toMatchObject({
      kind: 'error',
      by: 'local',
      cause: { code: 'ERR_NETGRACE_SPAWN', message: expect.stringMatching(/killed by SIGKILL/) as string },
    })
    expect(await waiting).toBeUndefined()
    await expect(client.send('x')).rejects.toMatchObject({ name: 'ConnectionEndedError', ending: { kind: 'error' } })
    expect(isRunning(client.pid)).toBe(false)
  })

  test('killed by a signal of one\u2019s choice, and by none that there is not', async () => {
    const client = await inProcess(await serve())
    await expect(client.kill('SIGNONE' as never)).rejects.toMatchObject({ code: 'ERR_UNKNOWN_SIGNAL' })
    expect(await client.kill('SIGTERM')).toEqual({ code: null, signal: 'SIGTERM' })
    expect((await client.ended).cause!.message).toMatch(/was killed by SIGTERM/)
  })

  test('killed with bytes unread is a reset to the server', async () => {
    const server = await serve(async (connection) => {
      await connection.send(Buffer.alloc(2 ** 20)).catch(() => {})
      await connection.readToEnd()
    })
    const client = await inProcess(server)
    const connection = await server.connectionOf(client)
    await client.freeze()
    void connection.send(Buffer.alloc(8 * 2 ** 20)).catch(() => {})
    await client.kill()
    expect(await connection.ended).toMatchObject({ kind: 'reset', by: 'peer' })
  })

  test('frozen shows nothing until it is thawed', async () => {
    const server = await serve()
    const client = await inProcess(server)
    expect(await client.ask('before')).toBe('before')
    await client.freeze()
    await expect(client.ask('frozen', { withinMs: 50 })).rejects.toMatchObject({ code: 'ERR_NETGRACE_TIMEOUT' })
    expect(server.connections.size).toBe(1)
    await client.thaw()
    expect(await client.ask('after')).toMatch(/frozen|after/) // the question that was given up is asked all the same, and answered
    expect(await client.close()).toMatchObject({ kind: 'eof' })
  })

  test('frozen, its close gives it up and kills it', async () => {
    const server = await serve()
    const client = await inProcess(server, { closeTimeoutMs: 50 })
    await client.freeze()
    expect(await client.close()).toMatchObject({ kind: 'timeout', by: 'local' })
    expect(isRunning(client.pid)).toBe(false)
  })

  test('leaves nothing behind, however it ends', async () => {
    const server = await serve()
    await assertNoLeaks(async () => {
      for (const end of ['close', 'reset', 'kill'] as const) {
        const client = await spawnClient(server, { in: 'process' })
        await client[end]()
        await client.ended
      }
    })
  })
})

test.skipIf(process.platform === 'win32')('a process whose parent was killed ends, and its connection with it', async () => {
  const server = await serve()
  const parent = fork(fileURLToPath(new URL('fixtures/parent.mjs', import.meta.url)), [String(server.port)], { execArgv: [] })
  onTestFinished(() => void parent.kill('SIGKILL'))
  const [pid] = (await once(parent, 'message')) as [number]
  const connection = await server.nextConnection()
  expect(isRunning(pid)).toBe(true)
  parent.kill('SIGKILL')
  await connection.ended
  while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 5))
})
