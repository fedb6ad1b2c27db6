import type { Socket } from 'node:net'

import { describe, expect, test } from 'vitest'

import { assertNoLeaks } from '../../src/leaks/find.ts'
import { NetgraceError } from '../../src/model/errors.ts'
import { openRig } from '../../src/rig/open-rig.ts'
import type { ScenarioProgress } from '../../src/scenario/progress.ts'
import { runScenario } from '../../src/scenario/run-scenario.ts'
import { startEchoServer } from '../../src/server/start-server.ts'
import { children } from '../children.ts'
import { bareServer, refusing } from '../support.ts'

const linux = process.platform === 'linux'

/** What can be thrown, or given as a reason. */
function hostile(): unknown[] {
  const round = new Error('round')
  round.cause = new AggregateError([round], 'and round')
  return [
    round,
    Object.assign(new Error('odd'), { ending: null, code: {}, errno: Symbol('n') }),
    Object.assign(new Error('ours?'), { name: 'ConnectError', ending: { kind: 'reset', cause: round } }),
    Object.assign(new Error(), { message: Symbol('no text') }),
    Object.create(null),
    () => {},
    'a text',
  ]
}

describe.each(['thread', 'process'] as const)('a scenario in a %s each', (where) => {
  test('ten clients, ten messages: all come back, every client closes first, nothing is left', async () => {
    await assertNoLeaks(async () => {
      const server = await startEchoServer()
      const report = await runScenario(server, { in: where })
      report.assertOk()
      expect(report).toMatchObject({ sent: 100, echoed: 100, mismatched: 0, endings: { eof: 10 } })
      expect(report.clients.map(({ id, ending }) => `${id} ${ending.kind} ${ending.by}`)).toEqual(
        Array.from({ length: 10 }, (_, n) => `${n + 1} eof local`),
      )
      expect(await server.stop()).toMatchObject({ accepted: 10, forced: [], late: 0, errors: [] })
    })
    if (linux) expect(children()).toEqual([])
  })

  test('they start together: nobody is served before the last has come', async () => {
    const sockets: Socket[] = []
    const server = await bareServer((socket) => {
      sockets.push(socket)
      if (sockets.length < 7) return
      for (const one of sockets) one.on('data', (chunk) => one.write(chunk)).on('end', () => one.end())
    })
    const report = await runScenario(server, { in: where, clients: 7, workers: 3, messages: 2 })
    report.assertOk()
    expect(report.echoed).toBe(14)
  })

  test('many clients share few workers, and keep their numbers', async () => {
    const seen = new Set<string>()
    const server = await bareServer((socket) => {
      socket.on('data', (chunk) => {
        seen.add(chunk.toString())
        socket.write(chunk)
      })
      socket.on('end', () => socket.end())
    })
    const report = await runScenario(server, { in: where, clients: 50, workers: 3, messages: 1 })
    report.assertOk()
    expect(seen).toEqual(new Set(Array.from({ length: 50 }, (_, n) => `client #${n + 1}, count 1\n`)))
  })

  test('the percentiles are over all round trips, each of them one that happened', async () => {
    const server = await startEchoServer()
    const { clients, latencyMs } = await runScenario(server, { in: where, clients: 4, workers: 2, messages: 1 })
    const each = clients.map(({ latency }) => latency.p50).toSorted((a, b) => a - b)
    expect([latencyMs.min, latencyMs.p50, latencyMs.max]).toEqual([each[0], each[1], each[3]])
    await server.stop()
  })

  test('progress only grows, and ends at the whole', async () => {
    const server = await startEchoServer()
    const told: ScenarioProgress[] = []
    await runScenario(server, { in: where, clients: 4, workers: 2, messages: 50, onProgress: (progress) => told.push(progress) })
    expect(told.at(-1)).toMatchObject({ clients: 4, connected: 4, done: 4, failed: 0, messages: 200, sent: 200, echoed: 200 })
    for (const [n, progress] of told.entries())
      for (const key of ['connected', 'done', 'sent', 'echoed'] as const)
        expect(progress[key]).toBeGreaterThanOrEqual(told[n - 1]?.[key] ?? 0)
    await server.stop()
  })

  test('messages of a function are sent, and what is wrong with one is the row of its client, as it would be here', async () => {
    const server = await startEchoServer()
    const report = await runScenario(server, {
      in: where,
      clients: 3,
      workers: 2,
      messages: 2,
      message: (client, count) => {
        if (client === 2 && count === 2) throw new RangeError('no second')
        return client === 3 ? 'two\nlines' : `${client}:${count} ü`
      },
    })
    expect(report).toMatchObject({ ok: false, sent: 3, echoed: 3, endings: { eof: 3 } })
    const [, second, third] = report.clients.map(({ error }) => error)
    expect(second).toBeInstanceOf(NetgraceError)
    expect(second).toMatchObject({ code: 'ERR_NETGRACE_SCENARIO', message: 'message(2, 2) threw: no second' })
    expect(second!.cause).toBeInstanceOf(RangeError)
    expect(third).toBeInstanceOf(TypeError)
    expect(third).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
    await server.stop()
  })

  test('whatever a message() throws is the row of its client, worded as it would be here', async () => {
    const server = await startEchoServer()
    for (const thrown of hostile()) {
      const message = (): string => {
        throw thrown
      }
      const [here, there] = await Promise.all(
        [undefined, where].map((each) => runScenario(server, { clients: 1, messages: 1, message, ...(each && { in: each }) })),
      )
      expect(there!.clients[0]!.error!.message).toBe(here!.clients[0]!.error!.message)
      expect(there!.clients[0]!.error!.message).toMatch(/^message\(1, 1\) threw: /)
      expect(() => JSON.stringify(there)).not.toThrow()
    }
    await server.stop()
  })

  test('whatever it is aborted with stops it, and is the cause', async () => {
    for (const reason of hostile()) {
      const aborting = new AbortController()
      const server = await startEchoServer()
      const onProgress = ({ echoed }: ScenarioProgress): void => void (echoed > 0 && aborting.abort(reason))
      const report = await runScenario(server, {
        in: where,
        clients: 1,
        messages: 10_000,
        intervalMs: 1,
        signal: aborting.signal,
        onProgress,
      })
      expect(report).toMatchObject({ ok: false, endings: { eof: 1 } })
      const { cause } = report.clients[0]!.error!
      expect(report.clients[0]!.error).toMatchObject({ code: 'ERR_NETGRACE_STOPPED' })
      expect(reason instanceof Error ? cause : (cause as Error).cause).toBe(reason)
      await server.stop()
    }
  })

  test('errors and endings cross as themselves', async () => {
    const report = await runScenario(await refusing(), { in: where, clients: 2 })
    for (const { ending, error } of report.clients) {
      expect(ending).toMatchObject({
        kind: 'refused',
        by: 'peer',
        phase: 'connecting',
        cause: { code: 'ECONNREFUSED', syscall: 'connect' },
      })
      expect(error).toMatchObject({ name: 'ConnectError', code: 'ERR_NETGRACE_CONNECT', ending: { kind: 'refused' } })
    }
  })

  test('timeoutMs is kept over there: the row says what the client was doing', async () => {
    const server = await bareServer((socket) => socket.resume())
    const report = await runScenario(server, { in: where, clients: 2, timeoutMs: 100 })
    expect(report).toMatchObject({ ok: false, sent: 2, echoed: 0, endings: { timeout: 2 } })
    expect(report.clients[0]!.error?.message).toMatch(/^not done within 100 ms: waiting for the reply to message 1 of 10 since \d+ ms$/)
  })

  test('an abort in the middle stops them all, and replies on their way are still read', async () => {
    const aborting = new AbortController()
    await assertNoLeaks(async () => {
      const server = await startEchoServer()
      const report = await runScenario(server, {
        in: where,
        clients: 4,
        workers: 2,
        messages: 10_000,
        intervalMs: 1,
        signal: aborting.signal,
        onProgress: ({ echoed }) => echoed > 20 && aborting.abort(new Error('enough')),
      })
      expect(report.endings.eof).toBe(4)
      expect(report.sent).toBe(report.echoed)
      for (const { error } of report.clients) {
        expect(error).toMatchObject({
          code: 'ERR_NETGRACE_STOPPED',
          message: expect.stringMatching(/^stopped before message \d+ of 10000: enough$/),
        })
        expect(error!.cause).toBe(aborting.signal.reason)
      }
      await server.stop()
    })
  })

  test('an abort before they have begun is a row each, and no connection', async () => {
    const aborting = new AbortController()
    await assertNoLeaks(async () => {
      const server = await startEchoServer()
      const running = runScenario(server, { in: where, clients: 3, signal: aborting.signal })
      aborting.abort(new Error('at once'))
      const report = await running
      expect(report).toMatchObject({ ok: false, sent: 0, endings: { closed: 3 } })
      expect(report.clients[0]!.error).toMatchObject({ code: 'ERR_NETGRACE_STOPPED' })
      expect(await server.stop()).toMatchObject({ accepted: 0, late: 0 })
    })
  })

  test('a rig that closes in the middle stops it', async () => {
    const rig = openRig({ graceMs: 10_000 })
    const server = await rig.echo()
    let running: Promise<unknown> | undefined
    await new Promise<void>((resolve) => {
      running = rig.scenario(server, {
        in: where,
        clients: 2,
        messages: 10_000,
        intervalMs: 1,
        onProgress: ({ connected, echoed }) => connected === 2 && echoed > 0 && resolve(),
      })
    })
    await rig.close()
    expect(await running).toMatchObject({ ok: false, endings: { eof: 2 } })
    if (linux) expect(children()).toEqual([])
  })
})

describe.skipIf(!linux)('a scenario in processes (found in /proc)', () => {
  test('no more are started than workers, and 16 unless more are asked for', async () => {
    const server = await startEchoServer()
    for (const [workers, expected] of [
      [3, 3],
      [undefined, 16],
    ] as const) {
      let most = 0
      const look = (): void => void (most = Math.max(most, children().length))
      const report = await runScenario(server, {
        in: 'process',
        clients: 40,
        messages: 5,
        ...(workers && { workers }),
        onProgress: look,
      })
      report.assertOk()
      expect(most).toBe(expected)
    }
    await server.stop()
  })

  test('a process that is killed is a row for each of its clients that was not done, and disturbs no others', async () => {
    const server = await startEchoServer()
    let killed = 0
    const report = await runScenario(server, {
      in: 'process',
      clients: 6,
      workers: 3,
      messages: 40,
      intervalMs: 5,
      onProgress: ({ echoed }) => {
        if (echoed < 12 || killed) return
        killed = children()[0]!
        process.kill(killed, 'SIGKILL')
      },
    })
    const lost = report.clients.filter(({ error }) => error)
    expect(lost).toHaveLength(2)
    expect(report).toMatchObject({ ok: false, endings: { eof: 4, error: 2 } })
    for (const { id, ending, error } of lost) {
      expect(error).toBe(ending.cause)
      expect(error).toMatchObject({ name: 'NetgraceError', code: 'ERR_NETGRACE_SPAWN' })
      expect(error!.message).toMatch(new RegExp(`^the process ${killed} of clients #\\d–#\\d was killed by SIGKILL; what was sent by then`))
      expect(error!.message).toContain(`#${id}`)
    }
    const stopped = await server.stop()
    expect(stopped).toMatchObject({ accepted: 6, endedBefore: 6, forced: [] })
  })

  test('a process that is killed before it has started is a row for each of its clients, and the others begin', async () => {
    const server = await startEchoServer()
    const running = runScenario(server, { in: 'process', clients: 4, workers: 2, messages: 3 })
    process.kill(children()[0]!, 'SIGKILL')
    const report = await running
    expect(report).toMatchObject({ ok: false, sent: 6, echoed: 6, endings: { eof: 2, error: 2 } })
    expect(report.clients.find(({ error }) => error)).toMatchObject({
      ending: { kind: 'error', by: 'local', phase: 'connecting' },
      error: { code: 'ERR_NETGRACE_SPAWN', message: expect.stringMatching(/was killed by SIGKILL; its clients had not begun$/) as string },
    })
    await server.stop()
  })

  test('a frozen process is given up when its time is up, and killed', async () => {
    const server = await startEchoServer({ graceMs: 100 })
    let frozen = false
    const report = await runScenario(server, {
      in: 'process',
      clients: 2,
      messages: 1000,
      intervalMs: 5,
      timeoutMs: 300,
      onProgress: ({ echoed }) => {
        if (echoed < 4 || frozen) return
        frozen = true
        process.kill(children()[1]!, 'SIGSTOP')
      },
    })
    expect(report.clients[0]!.error).toMatchObject({ code: 'ERR_NETGRACE_TIMEOUT' })
    expect(report.clients[1]!.error).toMatchObject({
      code: 'ERR_NETGRACE_SPAWN',
      message: expect.stringMatching(
        /^the process \d+ of client #2 told nothing when its time was up, as if frozen, and was killed;/,
      ) as string,
    })
    expect(children()).toEqual([])
    await server.stop()
  })

  test('a frozen process does not hold up a rig', async () => {
    const rig = openRig({ graceMs: 100, allowForced: true })
    const server = await rig.echo()
    let running: Promise<unknown> | undefined
    await new Promise<void>((resolve) => {
      const onProgress = ({ echoed }: ScenarioProgress): void => {
        if (echoed === 0) return
        for (const pid of children()) process.kill(pid, 'SIGSTOP')
        resolve()
      }
      running = rig.scenario(server, { in: 'process', clients: 2, messages: 10_000, intervalMs: 1, onProgress })
    })
    await rig.close()
    expect(await running).toMatchObject({ ok: false, endings: { error: 2 } })
    expect(children()).toEqual([])
  })

  test('Ctrl-C comes to all processes of a terminal: theirs to ignore, and the scenario’s to stop', async () => {
    const server = await startEchoServer()
    let told = false
    const report = await runScenario(server, {
      in: 'process',
      clients: 2,
      messages: 20,
      onProgress: () => {
        if (told) return
        told = true
        for (const pid of children()) process.kill(pid, 'SIGINT')
      },
    })
    report.assertOk()
    await server.stop()
  })
})

test('workers without threads or processes are refused', async () => {
  await expect(runScenario('127.0.0.1:9', { workers: 2 })).rejects.toThrow(/workers must be given with in: 'thread' or 'process', got 2/)
  await expect(runScenario('127.0.0.1:9', { in: 'thread', workers: 0 })).rejects.toThrow(/workers must be an integer from 1 to 1000, got 0/)
})

test('of hundreds that dial at once none overflows a backlog, and a server that serves nobody before the last is no deadlock', async () => {
  const sockets: Socket[] = []
  const server = await bareServer((socket) => {
    sockets.push(socket)
    if (sockets.length === 600) for (const one of sockets) one.on('data', (chunk) => one.write(chunk)).on('end', () => one.end())
  })
  const report = await runScenario(server, { clients: 600, messages: 1, timeoutMs: 25_000 })
  report.assertOk()
  expect(report.durationMs).toBeGreaterThan(900) // two more rounds of half a second
})
