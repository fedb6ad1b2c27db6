import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect as dial, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { describe, expect, test, vi } from 'vitest'

import { connect, faults, openRig, type ForcedConnectionError, type Rig } from '../../src/index.ts'
import { openSockets, turns, until } from '../support.ts'

describe('a rig', () => {
  test('takes its parts down newest first, each when the one before is down', async () => {
    const rig = openRig()
    const order: string[] = []
    rig.adopt('oldest', (name) => order.push(name))
    rig.adopt('slow', async (name) => {
      await new Promise(setImmediate)
      order.push(name)
    })
    rig.adopt('newest', (name) => order.push(name))
    await rig.close()
    expect(order).toEqual(['newest', 'slow', 'oldest'])
  })

  test('gives what it adopts back', async () => {
    await using rig = openRig()
    const thing = { name: 'a thing' }
    expect(rig.adopt(thing, () => {})).toBe(thing)
  })

  test('runs every release, and throws once what failed', async () => {
    const rig = openRig()
    const released: string[] = []
    rig.adopt('first', (name) => {
      released.push(name)
      throw new Error('first failed')
    })
    rig.adopt('second', (name) => released.push(name))
    rig.adopt('third', async (name) => {
      released.push(name)
      throw new Error('third failed')
    })
    const error = await rig.close().catch((thrown: unknown) => thrown)
    expect(released).toEqual(['third', 'second', 'first'])
    expect(error).toBeInstanceOf(AggregateError)
    expect((error as AggregateError).errors.map((one: Error) => one.message)).toEqual(['third failed', 'first failed'])
    expect((error as Error).message).toMatch(/third failed[^]*first failed/)
  })

  test('throws a single error as itself', async () => {
    const rig = openRig()
    const mine = new Error('mine')
    rig.adopt(0, () => {
      throw mine
    })
    await expect(rig.close()).rejects.toBe(mine)
  })

  test('names a release that does not end, and goes on with the others', async () => {
    const rig = openRig({ graceMs: 20 })
    const released: string[] = []
    rig.adopt('older', (name) => released.push(name))
    rig.adopt('stuck', () => new Promise(() => {}))
    await expect(rig.close()).rejects.toMatchObject({ code: 'ERR_NETGRACE_TIMEOUT' })
    expect(released).toEqual(['older'])
  })

  test('has one deadline for all servers, not one each', async () => {
    const rig = openRig({ graceMs: 2000, allowForced: true })
    const stuck = (): Promise<never> => new Promise(() => {})
    const servers = [await rig.server(stuck), await rig.server(stuck), await rig.server(stuck)]
    for (const server of servers) {
      await rig.connect(server)
      await server.nextConnection()
    }
    const before = performance.now()
    await rig.close().catch(() => {})
    expect(performance.now() - before).toBeLessThan(5500) // the grace, and a short settling each; with a grace each it takes 6 s and more
    expect(servers.map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped'])
  })

  test('close() again gives the same promise', async () => {
    const rig = openRig()
    expect(rig.close()).toBe(rig.close())
    await rig.close()
  })

  test('aborts its signal when it begins to close, before any part is down', async () => {
    const rig = openRig()
    let abortedAtRelease: boolean | undefined
    rig.adopt(0, () => {
      abortedAtRelease = rig.signal.aborted
    })
    expect(rig.signal.aborted).toBe(false)
    await rig.close()
    expect(abortedAtRelease).toBe(true)
  })

  test('refuses to open anything once it has closed', async () => {
    const rig = openRig()
    await rig.close()
    await expect(rig.echo()).rejects.toMatchObject({ code: 'ERR_NETGRACE_STOPPED' })
    await expect(rig.refusing()).rejects.toMatchObject({ code: 'ERR_NETGRACE_STOPPED' })
  })

  test('takes down at once what was still being opened when it closed, and its caller is told', async () => {
    for (const open of [
      (rig: Rig) => rig.echo(),
      (rig: Rig) => rig.http(() => {}),
      (rig: Rig) => rig.udpEcho(),
      (rig: Rig) => rig.proxy({ host: '127.0.0.1', port: 9 }),
      (rig: Rig) => rig.spawn({ host: '127.0.0.1', port: 9 }, { in: 'thread' }),
      (rig: Rig) => rig.refusing(),
      (rig: Rig) => rig.unanswering(),
    ]) {
      const before = openSockets()
      const rig = openRig()
      const opening = open(rig)
      await rig.close()
      await expect(opening).rejects.toMatchObject({ code: 'ERR_NETGRACE_STOPPED' })
      await until(() => openSockets() <= before)
    }
  })

  test('that nobody waits any more for what was being opened is no unhandled rejection', async () => {
    const unhandled: unknown[] = []
    const hear = (reason: unknown): number => unhandled.push(reason)
    process.on('unhandledRejection', hear)
    const rig = openRig()
    void rig.echo()
    await rig.close()
    await turns(5)
    process.off('unhandledRejection', hear)
    expect(unhandled).toEqual([])
  })

  test('cancels a connect that is under way, and waits neither for its timeout nor for the grace', async () => {
    await using elsewhere = openRig()
    const to = await elsewhere.unanswering()
    const rig = openRig({ graceMs: 20_000 })
    const connecting = [rig.connect(to, { connectTimeoutMs: 20_000 })]
    const spawning = rig.spawn(to, { in: 'thread', connectTimeoutMs: 20_000 })
    await turns(10)
    const before = performance.now()
    await rig.close()
    expect(performance.now() - before).toBeLessThan(10_000)
    for (const one of [...connecting, spawning]) await expect(one).rejects.toMatchObject({ code: 'ERR_NETGRACE_STOPPED' })
  })

  test('adopted after the close, a thing is released at once', async () => {
    const rig = openRig()
    await rig.close()
    const released = await new Promise((resolve) => void rig.adopt('late', resolve))
    expect(released).toBe('late')
  })

  test('adopted while it closes, a thing is released at once, and the close waits for it and throws its error', async () => {
    const rig = openRig()
    const order: string[] = []
    rig.adopt('first', async () => {
      rig.adopt('late', async () => {
        order.push('late begins')
        await turns(20)
        order.push('late ends')
        throw new Error('the late release failed')
      })
      await turns(1)
      order.push('first ends')
    })
    await expect(rig.close()).rejects.toThrow('the late release failed')
    expect(order).toEqual(['late begins', 'first ends', 'late ends'])
  })

  test.for([
    [
      'throws',
      (): never => {
        throw new Error('the release failed')
      },
    ],
    ['rejects', (): Promise<never> => Promise.reject(new Error('the release failed'))],
  ] as const)('adopted after the close, a release that %s is an unhandled rejection', async ([, release]) => {
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    const unhandled = new Promise((resolve) => process.once('unhandledRejection', resolve))
    const rig = openRig()
    await rig.close()
    rig.adopt(1, release)
    expect(await unhandled).toMatchObject({ message: 'the release failed' })
    for (const other of others) process.on('unhandledRejection', other)
  })

  test('names what was adopted and did not close, and the line that adopted it', async () => {
    class PaymentGateway {
      readonly isOpen = true
    }
    const rig = openRig({ graceMs: 20 })
    rig.adopt(new PaymentGateway(), () => new Promise(() => {}))
    const error = (await rig.close().catch((thrown: unknown) => thrown)) as Error
    expect(error.message).toMatch(/^PaymentGateway, adopted at test\/rig\/rig\.test\.ts:\d+:\d+, did not close within \d+ ms$/)
    expect(error.stack!.split('\n')[1]).toContain('rig.test.ts')
  })

  // in a process of its own, on the built package: here the leak check and the runner hold things, too
  test('lets go of clients, proxies and supervised servers that have closed', async () => {
    const program = fileURLToPath(new URL('fixtures/let-go.mjs', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program])
    for (const left of Object.values(JSON.parse(stdout) as Record<string, number>)) expect(left).toBeLessThanOrEqual(2) // the last may stand on the stack still
  })

  test('holds no port of a server that it stops itself', async () => {
    const rig = openRig()
    const { port, host } = await rig.echo()
    const before = openSockets()
    let most = before
    const closing = rig.close()
    let closed = false
    void closing.then(() => (closed = true))
    await until(() => {
      most = Math.max(most, openSockets())
      return closed
    })
    expect(most).toBe(before)
    const other = createServer().listen(port, host)
    await once(other, 'listening')
    await new Promise((resolve) => void other.close(resolve))
  })

  test('heals faults when it closes: what a stall held back is passed on', async () => {
    const rig = openRig()
    const lines: (string | undefined)[] = []
    const server = await rig.server(async (connection) => {
      for (;;) {
        const line = await connection.readLine()
        if (line === undefined) return
        lines.push(line)
      }
    })
    const proxy = await rig.proxy(server)
    const client = await rig.connect(proxy)
    proxy.inject(faults.stall())
    await client.send('held\n')
    await proxy.saw('held')
    await rig.close()
    expect(lines).toEqual(['held'])
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'local' })
  })

  test('a server of its that is stopped holds its port and refuses, until the rig closes', async () => {
    const rig = openRig()
    const server = await rig.echo()
    await server.stop()
    await expect(connect(server)).rejects.toMatchObject({ ending: { kind: 'refused' } })
    await rig.close()
    const other = createServer().listen(server.port, server.host)
    await once(other, 'listening')
    await new Promise((resolve) => void other.close(resolve))
  })

  test('a restarted server is served by the same handler and taken down as well', async () => {
    const rig = openRig()
    const server = await rig.echo()
    await server.stop()
    await server.start()
    expect(await (await rig.connect(server)).ask('again')).toBe('again')
    await rig.close()
    expect(server.state).toBe('stopped')
  })

  test('refusing() refuses, and is held: nobody else can listen there', async () => {
    await using rig = openRig()
    const endpoint = (await rig.refusing()) as { host: string; port: number }
    for (let n = 0; n < 50; n++)
      await expect(rig.connect(endpoint)).rejects.toMatchObject({ ending: { kind: 'refused', by: 'peer', phase: 'connecting' } })
    const other = createServer().listen(endpoint.port, endpoint.host)
    const [error] = (await once(other, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('EADDRINUSE')
  })

  test('unanswering() lets a connect run into its timeout', async () => {
    await using rig = openRig()
    const endpoint = await rig.unanswering()
    await expect(rig.connect(endpoint, { connectTimeoutMs: 100 })).rejects.toMatchObject({
      ending: { kind: 'timeout', by: 'local', phase: 'connecting' },
    })
  })

  test('a scenario that still runs is aborted by the close, and its report says so', async () => {
    const rig = openRig()
    const server = await rig.echo()
    const running = rig.scenario(server, { clients: 3, messages: 1000, intervalMs: 50 })
    await server.nextConnection()
    await rig.close()
    expect((await running).ok).toBe(false)
  })

  test('takes a server of the user down gracefully, and leaves nothing of its own on it', async () => {
    const rig = openRig()
    const server = createHttpServer((_request, response) => response.end('hello'))
    const supervised = await rig.supervise(server)
    expect(await (await fetch(supervised.url)).text()).toBe('hello')
    await rig.close()
    expect(supervised.state).toBe('stopped')
    expect(server.listening).toBe(false)
  })

  test("a request of somebody else's that never ends fails the test, unless it may be cut", async () => {
    for (const allowForced of [false, true]) {
      const rig = openRig({ graceMs: 50 })
      const supervised = await rig.http(() => {}, { allowForced })
      const asking = fetch(supervised.url).catch((error: Error) => error)
      await vi.waitUntil(() => supervised.connections.size === 1)
      if (allowForced) await rig.close()
      else await expect(rig.close()).rejects.toMatchObject({ name: 'ForcedConnectionError', forced: [{ bytesWritten: 0 }] })
      expect(await asking).toBeInstanceOf(TypeError)
    }
  })

  test('a spawned client closes gracefully with the rest, and a frozen one is killed', async () => {
    const rig = openRig({ graceMs: 500 })
    const server = await rig.echo()
    const client = await rig.spawn(server, { in: 'thread' })
    const frozen = await rig.spawn(server, { in: 'process' })
    await frozen.freeze()
    await rig.close()
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'local' })
    expect(await frozen.ended).toMatchObject({ kind: 'timeout', by: 'local' })
    expect(await frozen.exited).toMatchObject({ signal: 'SIGKILL' })
  })

  test('runs the ten-client scenario', async () => {
    await using rig = openRig()
    const server = await rig.echo()
    const report = await rig.scenario(server, { clients: 10, messages: 10 })
    report.assertOk()
    expect(await server.stop()).toMatchObject({ accepted: 10, forced: [], errors: [] })
  })

  test.each([
    [{ graceMs: -1 }, RangeError, /graceMs must be a finite number ≥ 0.*got -1/],
    [{ graceMs: Number.NaN }, RangeError, /graceMs .*got NaN/],
    [{ allowForced: 'yes' }, TypeError, /allowForced must be true or false, got "yes"/],
    [{ forgotten: 'ignore' }, TypeError, /forgotten must be one of fail, report, got "ignore"/],
    [{ grace: 1 }, TypeError, /one of graceMs, allowForced, forgotten, got "grace"/],
  ])('refuses %o', (options, kind, message) => {
    expect(() => openRig(options as object)).toThrow(kind)
    expect(() => openRig(options as object)).toThrow(message)
  })
})

test('a fault that met nothing fails the test, and says with which seed', async () => {
  const rig = openRig()
  const proxy = await rig.proxy(await rig.echo())
  proxy.inject(faults.reset())
  await expect(rig.close()).rejects.toMatchObject({
    name: 'FaultUnusedError',
    message: expect.stringContaining(String(proxy.seed)) as string,
  })
})

test("a connection of the rig's own proxy that has to be cut is no foreign client's: only the one before the proxy is", async () => {
  const rig = openRig({ graceMs: 100 })
  const proxy = await rig.proxy(() => server)
  const server = await rig.server(() => {}) // younger than the proxy, so it is stopped while the link still stands
  const stranger = dial({ host: proxy.host, port: proxy.port, allowHalfOpen: true }).on('error', () => {})
  await server.nextConnection()
  const { localPort } = stranger
  const error = (await rig.close().catch((thrown: unknown) => thrown)) as ForcedConnectionError
  expect(error.forced).toMatchObject([{ peer: { port: localPort } }])
  expect(error.message).toContain(`→ ${proxy.url} (proxy)`)
  stranger.destroy()
})

describe.each(['http', 'supervise'] as const)('rig.%s', (door) => {
  test.each([
    [{ allowForced: 'yes' }, /allowForced must be true or false, got "yes"/],
    [{ forgotten: true }, /forgotten must be one of fail, report, got true/],
    [{ allowForce: true }, /one of .*allowForced, forgotten, got "allowForce"/],
    [{ graceMs: -1 }, /graceMs/],
  ])('refuses %o before anything is opened', async (options, message) => {
    await using rig = openRig()
    const server = createHttpServer()
    const opening = door === 'http' ? rig.http(() => {}, options as object) : rig.supervise(server, options as object)
    await expect(opening).rejects.toThrow(message)
    expect(server.listening).toBe(false)
  })
})

test('the port of a refusing endpoint can be asked for', async () => {
  await using rig = openRig()
  const { port }: { port: number } = await rig.refusing()
  expect(port).toBeGreaterThan(0)
})
