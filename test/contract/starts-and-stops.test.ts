import { describe, expect, test } from 'vitest'

import { connect, openRig } from '../../src/index.ts'
import { PortHold } from '../../src/server/port-hold.ts'
import { bareServer, openSockets, turns, until } from '../support.ts'
import { dial, echo, serve } from './parts.ts'

const STOPPED = { code: 'ERR_NETGRACE_STOPPED' }
const REFUSED = { code: 'ERR_NETGRACE_CONNECT', ending: { kind: 'refused' } }

/** Whether the port is held: nothing is open but what holds it. */
const holding = (before: number): boolean => openSockets() > before

describe('the last word wins', () => {
  test('start(), stop(), start(): it listens, and the last start resolves', async () => {
    const server = await echo()
    await server.stop()
    const first = expect(server.start()).rejects.toMatchObject(STOPPED)
    const stopped = server.stop()
    const last = server.start()
    await first
    expect(await stopped).toMatchObject({ accepted: 0 })
    await last
    expect(server.state).toBe('listening')
    expect(await (await dial(server)).ask('x')).toBe('x')
  })

  test.each([0, 1, 2, 5])('the same with %d turns in between', async (count) => {
    const server = await echo()
    for (let n = 0; n < 5; n++) {
      await server.stop()
      const first = server.start().catch((error: unknown) => error)
      await turns(count)
      const stopped = server.stop()
      await turns(n % 3)
      const last = server.start()
      await Promise.all([stopped, last])
      const outcome = await first
      if (outcome !== undefined) expect(outcome).toMatchObject(STOPPED)
      expect(await (await dial(server)).ask('x')).toBe('x')
    }
  })

  test('stop(), start(), stop(), start() while the first stop drains', async () => {
    const server = await serve(async (connection) => void (await connection.readToEnd()))
    const client = await dial(server, { allowHalfOpen: true })
    await server.connectionsReach(1)
    const first = server.stop({ graceMs: 60_000 })
    await until(() => server.state === 'draining')
    const overruled = expect(server.start()).rejects.toMatchObject(STOPPED)
    expect(server.stop()).toBe(first)
    const started = server.start()
    expect(server.start()).toBe(started)
    expect(server.state).toBe('draining')
    await client.close()
    expect(await first).toMatchObject({ accepted: 1, drained: [{}] })
    await overruled
    await started
    expect(server.state).toBe('listening')
  })

  test('a start that fails is over: the next one is another', async () => {
    const server = await echo()
    await server.stop()
    const thief = await bareServer(() => {}, {}, server.port)
    const failed = expect(server.start()).rejects.toMatchObject({ code: 'ERR_NETGRACE_LISTEN' })
    const [stopped, again] = [server.stop(), server.start()]
    again.catch(() => {})
    await failed
    await stopped
    await thief.close()
    await again.catch(() => server.start()) // the thief may still have been there
    expect(server.state).toBe('listening')
  })

  test('start() of one that listens is the start that it had', async () => {
    const server = await echo()
    await server.start()
    await server.start()
    expect(server.state).toBe('listening')
  })
})

describe('the last word on the port', () => {
  test('stop({ holdPort: true }), and stop() while that drains: the port is free', async () => {
    const before = openSockets()
    const server = await serve(async (connection) => void (await connection.readToEnd()))
    const client = await dial(server, { allowHalfOpen: true })
    await server.connectionsReach(1)
    const stopped = server.stop({ holdPort: true, graceMs: 60_000 })
    await until(() => server.state === 'draining')
    await turns(3)
    const again = server.stop()
    await client.close()
    expect(await stopped).toMatchObject({ errors: [] })
    await again
    expect(openSockets()).toBe(before)
    await bareServer(() => {}, {}, server.port)
  })

  test.each(['in the same turn', 'a turn later', 'afterwards'])(
    'stop(), and stop({ holdPort: true }) %s: the port is held',
    async (when) => {
      const before = openSockets()
      const server = await echo()
      const stopped = server.stop()
      if (when === 'a turn later') await turns(1)
      if (when === 'afterwards') await stopped
      expect(await server.stop({ holdPort: true })).toMatchObject({ accepted: 0, errors: [] })
      expect(holding(before)).toBe(true)
      await expect(connect(server)).rejects.toMatchObject(REFUSED)
      await server.start()
      expect(await (await dial(server)).ask('x')).toBe('x')
      await server.stop()
      expect(server.connections.size).toBe(0)
    },
  )

  test('a port that cannot be held any more is an entry in the errors', async () => {
    const server = await echo()
    expect(await server.stop()).toMatchObject({ errors: [] })
    const thief = await bareServer(() => {}, {}, server.port)
    expect((await server.stop({ holdPort: true })).errors).toMatchObject([
      { code: 'ERR_NETGRACE_LISTEN', message: expect.stringMatching(/^could not hold 127\.0\.0\.1:\d+: .*EADDRINUSE/) },
    ])
    await thief.close()
    expect(await server.stop({ holdPort: true })).toMatchObject({ errors: [] })
    await expect(connect(server)).rejects.toMatchObject(REFUSED)
    await server.stop()
  })

  test('a hold that fails while a connection drains is an entry in the errors, and nothing is thrown at the process', async () => {
    const rejections: unknown[] = []
    const rejected = (reason: unknown): void => void rejections.push(reason)
    process.on('unhandledRejection', rejected)
    const hold = new PortHold('192.0.2.1') // no address of this machine: nothing can be held there
    hold.want(true)
    await hold.ready()
    hold.freed({ host: '192.0.2.1', port: 9 })
    await turns(20)
    expect(await hold.settled()).toMatchObject({ code: 'ERR_NETGRACE_LISTEN', cause: { code: 'EADDRNOTAVAIL' } })
    expect(hold.changing).toBe(false)
    process.off('unhandledRejection', rejected)
    expect(rejections).toStrictEqual([])
  })

  test('holding, letting go and holding again, in any order and without waiting, ends as it was last wanted', async () => {
    const before = openSockets()
    const server = await echo()
    const all: Array<Promise<unknown>> = []
    for (let n = 0; n < 30; n++) {
      all.push(server.stop({ holdPort: n % 2 === 0 }))
      await turns(n % 4)
    }
    for (const report of await Promise.all(all)) expect(report).toMatchObject({ errors: [] })
    expect(openSockets()).toBe(before)
    await server.stop({ holdPort: true })
    expect(holding(before)).toBe(true)
    await server[Symbol.asyncDispose]()
    expect(openSockets()).toBe(before)
  })

  test('a signal that aborts while a server of a rig starts leaves no port held', async () => {
    const before = openSockets()
    const rig = openRig()
    const controller = new AbortController()
    const starting = expect(rig.server(() => {}, { signal: controller.signal })).rejects.toMatchObject(STOPPED)
    controller.abort()
    await starting
    await turns(3)
    expect(openSockets()).toBe(before)
    await rig.close()
  })
})

test('an error that a handler throws after the report is not added to it', async () => {
  let fail = (_error: Error): void => {}
  const server = await serve(() => new Promise((_resolve, reject) => (fail = reject)))
  await dial(server)
  await server.connectionsReach(1)
  const report = await server.stop({ graceMs: 0 })
  expect(report).toMatchObject({ unsettled: [{}], errors: [] })
  fail(new Error('too late'))
  await turns(3)
  expect(report.errors).toStrictEqual([])
})
