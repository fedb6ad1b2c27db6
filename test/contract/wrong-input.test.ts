import { describe, expect, test } from 'vitest'

import { type Client, connect, handlers, NetgraceError, startEchoServer, startServer } from '../../src/index.ts'
import { bareServer, openSockets, turns } from '../support.ts'
import { dial, echo } from './parts.ts'

/** What a call fails with, thrown or rejected. */
async function failure(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

type Row = [what: string, options: object, error: 'TypeError' | 'RangeError', message: RegExp]

const wrongDurations = (name: string): Row[] => [
  [`${name} below 0`, { [name]: -1 }, 'RangeError', new RegExp(`^${name} must be .*got -1$`)],
  [`${name} not a number`, { [name]: Number.NaN }, 'RangeError', new RegExp(`^${name} must be .*got NaN$`)],
  [`${name} without end`, { [name]: Number.POSITIVE_INFINITY }, 'RangeError', new RegExp(`^${name} must be .*got Infinity$`)],
  [`${name} as a text`, { [name]: '5' }, 'TypeError', new RegExp(`^${name} must be .*got "5"$`)],
]

describe('startServer refuses before anything opens', () => {
  const rows: Row[] = [
    ['an unknown key', { graceMS: 5 }, 'TypeError', /graceMS/],
    ['a misspelt port', { prot: 5 }, 'TypeError', /prot/],
    ...wrongDurations('graceMs'),
    ['a port below 0', { port: -1 }, 'RangeError', /^port must be .*got -1$/],
    ['a port beyond 65535', { port: 65536 }, 'RangeError', /^port must be .*got 65536$/],
    ['half a port', { port: 80.5 }, 'RangeError', /^port must be/],
    ['a port as a text', { port: '80' }, 'TypeError', /^port must be/],
    ['a host that is no text', { host: 5 }, 'TypeError', /^host must be/],
    ['a signal that is none', { signal: {} }, 'TypeError', /^signal must be/],
    ['options that are none', 5 as unknown as object, 'TypeError', /options must be/],
  ]
  test.each(rows)('%s', async (_what, options, name, message) => {
    const before = openSockets()
    for (const start of [() => startServer(handlers.echo(), options), () => startEchoServer(options)]) {
      expect(await failure(start)).toMatchObject({ name, message: expect.stringMatching(message), code: expect.stringMatching(/^ERR_/) })
    }
    expect(openSockets()).toBe(before)
  })

  test('a handler that is none', async () => {
    const before = openSockets()
    expect(await failure(() => startServer('echo' as never))).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining('"echo"'),
    })
    expect(openSockets()).toBe(before)
  })

  test('a signal that has aborted', async () => {
    const before = openSockets()
    const error = await failure(() => startEchoServer({ signal: AbortSignal.abort(new Error('over')) }))
    expect(error).toBeInstanceOf(Error)
    await turns(5)
    expect(openSockets()).toBe(before)
  })

  test('a signal that aborts while it starts leaves nothing open either', async () => {
    const before = openSockets()
    const controller = new AbortController()
    const starting = startEchoServer({ signal: controller.signal })
    controller.abort()
    const server = await starting.catch(() => undefined)
    await server?.stop()
    await turns(5)
    expect(openSockets()).toBe(before)
  })
})

describe('a taken port', () => {
  test('is ERR_NETGRACE_LISTEN, says which, and holds the system’s error; nothing is left open', async () => {
    const { port } = await bareServer()
    const before = openSockets()
    for (let n = 0; n < 5; n++) {
      const error = await failure(() => startEchoServer({ port }))
      expect(error).toBeInstanceOf(NetgraceError)
      expect(error).toMatchObject({
        code: 'ERR_NETGRACE_LISTEN',
        cause: { code: 'EADDRINUSE' },
        message: expect.stringContaining(String(port)),
      })
    }
    expect(openSockets()).toBe(before)
  })

  test('so is an address that is not here', async () => {
    const before = openSockets()
    expect(await failure(() => startEchoServer({ host: '192.0.2.1' }))).toMatchObject({
      code: 'ERR_NETGRACE_LISTEN',
      cause: { code: 'EADDRNOTAVAIL' },
    })
    expect(openSockets()).toBe(before)
  })
})

describe('stop and the waits of a server refuse', () => {
  test.each<Row>([
    ...wrongDurations('graceMs'),
    ['an unknown key', { graceMS: 5 }, 'TypeError', /graceMS/],
    ['a holdPort that is neither true nor false', { holdPort: 'yes' }, 'TypeError', /^holdPort must be/],
  ])('stop: %s, and the server goes on', async (_what, options, name, message) => {
    const server = await echo()
    expect(await failure(() => server.stop(options))).toMatchObject({ name, message: expect.stringMatching(message) })
    expect(server.state).toBe('listening')
    expect(await (await dial(server)).ask('on')).toBe('on')
  })

  test.each<Row>([
    ...wrongDurations('withinMs'),
    ['an unknown key', { within: 5 }, 'TypeError', /within/],
    ['a signal that is none', { signal: true }, 'TypeError', /^signal must be/],
  ])('nextConnection: %s, and it takes no connection', async (_what, options, name, message) => {
    const server = await echo()
    expect(await failure(() => server.nextConnection(options))).toMatchObject({ name, message: expect.stringMatching(message) })
    const client = await dial(server)
    expect((await server.nextConnection()).peer).toStrictEqual(client.local)
  })
})

describe('the handlers refuse', () => {
  test.each<[what: string, make: () => unknown, name: string]>([
    ['drip below 0', () => handlers.drip({ everyMs: -1 }), 'RangeError'],
    ['drip without end', () => handlers.drip({ everyMs: Number.POSITIVE_INFINITY }), 'RangeError'],
    ['drip with an unknown key', () => handlers.drip({ everyMs: 1, lines: 'x' } as never), 'TypeError'],
    ['a script that is none', () => handlers.script('PING' as never), 'TypeError'],
    ['a step with an unknown key', () => handlers.script([{ expects: /PING/ } as never]), 'TypeError'],
    ['a step that waits for less than nothing', () => handlers.script([{ waitMs: -1 }]), 'RangeError'],
  ])('%s', (_what, make, name) => {
    expect(make).toThrow(expect.objectContaining({ name }))
  })
})

describe('connect refuses before anything opens', () => {
  test.each<[what: string, to: unknown, name: string, message: RegExp]>([
    ['a host without a port', 'localhost', 'TypeError', /localhost/],
    ['an endpoint without a port', { host: '127.0.0.1' }, 'TypeError', /host/],
    ['a URL without a port', 'tcp://127.0.0.1', 'TypeError', /tcp:/],
    ['port 0', { host: '127.0.0.1', port: 0 }, 'RangeError', /got 0$/],
    ['a port beyond 65535', { host: '127.0.0.1', port: 65536 }, 'RangeError', /got 65536$/],
    ['a port beyond 65535 in a text', '127.0.0.1:65536', 'RangeError', /got 65536$/],
    ['a bare port', 8080, 'TypeError', /got 8080$/],
    ['nothing', undefined, 'TypeError', /got undefined$/],
  ])('%s', async (_what, to, name, message) => {
    const before = openSockets()
    expect(await failure(() => connect(to as never))).toMatchObject({ name, message: expect.stringMatching(message) })
    expect(openSockets()).toBe(before)
  })

  const rows: Row[] = [
    ...wrongDurations('connectTimeoutMs'),
    ...wrongDurations('idleTimeoutMs'),
    ...wrongDurations('closeTimeoutMs'),
    ['an unknown key', { timeout: 5 }, 'TypeError', /timeout/],
    ['allowHalfOpen that is neither true nor false', { allowHalfOpen: 1 }, 'TypeError', /^allowHalfOpen must be/],
    ['a signal that is none', { signal: new AbortController() }, 'TypeError', /^signal must be/],
    ['a local address that is no text', { localAddress: 5 }, 'TypeError', /^localAddress must be/],
  ]
  test.each(rows)('%s', async (_what, options, name, message) => {
    const bare = await bareServer()
    const before = openSockets()
    expect(await failure(() => connect(bare, options))).toMatchObject({ name, message: expect.stringMatching(message) })
    await turns(3)
    expect(openSockets()).toBe(before)
  })

  test('a signal that has aborted', async () => {
    let accepted = 0
    const bare = await bareServer(() => (accepted += 1))
    const before = openSockets()
    expect(await failure(() => connect(bare, { signal: AbortSignal.abort(new Error('over')) }))).toBeInstanceOf(Error)
    expect(openSockets()).toBe(before)
    await turns(10)
    expect(accepted).toBe(0)
  })
})

describe('a client refuses, and lives on', () => {
  test.each<[what: string, call: (client: Client) => unknown, name: string]>([
    ['readLine with a deadline below 0', (client) => client.readLine({ withinMs: -1 }), 'RangeError'],
    ['readLine with an unknown key', (client) => client.readLine({ within: 1 } as never), 'TypeError'],
    ['read of fewer than no bytes', (client) => client.read(-1), 'RangeError'],
    ['read of half a byte', (client) => client.read(1.5), 'RangeError'],
    ['read of a text', (client) => client.read('4' as never), 'TypeError'],
    ['read with a deadline without end', (client) => client.read(1, { withinMs: Number.POSITIVE_INFINITY }), 'RangeError'],
    ['readToEnd with a deadline that is no number', (client) => client.readToEnd({ withinMs: Number.NaN }), 'RangeError'],
    ['ask of a number', (client) => client.ask(5 as never), 'TypeError'],
    ['ask with an unknown key', (client) => client.ask('x', { timeoutMs: 5 } as never), 'TypeError'],
    ['send of a number', (client) => client.send(5 as never), 'TypeError'],
    ['send of nothing', (client) => client.send(undefined as never), 'TypeError'],
    ['send with a signal that is none', (client) => client.send('x', { signal: 5 } as never), 'TypeError'],
    ['endsWithin less than nothing', (client) => client.endsWithin(-1), 'RangeError'],
    ['endsWithin a text', (client) => client.endsWithin('5' as never), 'TypeError'],
    ['drip backwards', (client) => client.drip('x', { everyMs: -1 }), 'RangeError'],
    ['drip of a number', (client) => client.drip(5 as never, { everyMs: 1 }), 'TypeError'],
    ['drip without options', (client) => client.drip('x', undefined as never), 'TypeError'],
  ])('%s', async (_what, call, name) => {
    const client = await dial(await echo())
    expect(await failure(() => call(client))).toMatchObject({ name })
    expect(await client.ask('alive?')).toBe('alive?')
  })
})
