import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import * as dgram from 'node:dgram'
import { mkdtempSync, rmSync } from 'node:fs'
import * as http from 'node:http'
import * as http2 from 'node:http2'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { afterEach, describe, expect, test, vi } from 'vitest'

import { assertNoLeaks, findLeaks } from '../../src/leaks/find.ts'
import { LeakError } from '../../src/leaks/leak-error.ts'
import { currentScope } from '../../src/leaks/trace.ts'
import type { Leak } from '../../src/model/leak.ts'

const HERE = fileURLToPath(import.meta.url)
const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function listener(handler: (socket: net.Socket) => void = (socket) => socket.resume()): Promise<net.Server> {
  const server = net.createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => server.close())
  return server
}

async function dial(server: net.Server): Promise<net.Socket> {
  const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
  cleanups.push(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** `ring` starts a timer that nobody clears before the end of the test, in a later turn than that of its caller. */
function bell(): { ring: () => void; rung: Promise<void> } {
  let rang!: () => void
  const rung = new Promise<void>((resolve) => (rang = resolve))
  async function ringLater(): Promise<void> {
    await delay(1)
    const timer = setInterval(() => {}, 1e6)
    cleanups.push(() => clearInterval(timer))
    rang()
  }
  return { ring: () => void ringLater(), rung }
}

/** The line of this file where `marker` stands. */
function lineOf(stack: string | undefined): number {
  return Number(/find\.test\.ts:(\d+)/.exec(stack ?? '')![1])
}

function here(): number {
  return lineOf(new Error('here').stack!.split('\n')[2])
}

type Done = (error: null, addresses: object[]) => void

const quick = { withinMs: 20 }

describe('what is found', () => {
  test('a client socket, with both addresses, its bytes and the line that opened it', async () => {
    const server = await listener()
    const leaks = await findLeaks(async () => {
      const socket = await dial(server)
      socket.write('hello')
    }, quick)
    const { port } = server.address() as net.AddressInfo
    expect(leaks).toMatchObject([
      {
        kind: 'tcp-socket',
        local: { host: '127.0.0.1' },
        remote: { host: '127.0.0.1', port },
        bytesWritten: 5,
        bytesRead: 0,
        unref: false,
        site: { file: HERE, function: 'dial' },
      },
    ])
    expect(leaks[0]!.openMs).toBeGreaterThan(19)
    expect(leaks[0]!.fd).toBeGreaterThan(2)
  })

  test('a listener with a host, at the line that called listen()', async () => {
    let line = 0
    const leaks = await findLeaks(async () => {
      const server = net.createServer()
      cleanups.push(() => server.close())
      line = here() + 1
      server.listen(0, 'localhost')
      await once(server, 'listening')
    }, quick)
    expect(leaks).toMatchObject([{ kind: 'tcp-listener', site: { file: HERE, line } }])
    expect(leaks[0]!.local).toHaveProperty('port')
    expect(leaks[0]).not.toHaveProperty('remote')
  })

  test('an accepted socket, at the line of its listener', async () => {
    let port = 0
    let line = 0
    const opened: net.Socket[] = []
    const found = findLeaks(async () => {
      const server = net.createServer((socket) => opened.push(socket))
      line = here() + 1
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      port = (server.address() as net.AddressInfo).port
      const accepted = once(server, 'connection')
      ready()
      await accepted
      server.close()
    }, quick)
    await listening
    const outside = net.connect(port, '127.0.0.1')
    cleanups.push(() => outside.destroy())
    const leaks = await found
    expect(leaks).toMatchObject([{ kind: 'tcp-socket', local: { port }, site: { file: HERE, line } }])
    opened[0]!.destroy()
  })

  test("what an accepted socket's handlers open without a line of the user's, at the line of its listener", async () => {
    let line = 0
    const leaks = await findLeaks(async () => {
      const second = net.createServer()
      cleanups.push(() => second.close())
      // Node calls it, and nobody between.
      const server = net.createServer((socket) => socket.resume().once('data', second.listen.bind(second, { port: 0 })))
      line = here() + 1
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const socket = await dial(server)
      socket.resume().end('x')
      await Promise.all([once(second, 'listening'), once(socket, 'close')])
      server.close()
    }, quick)
    expect(leaks).toMatchObject([{ kind: 'tcp-listener', site: { file: HERE, line } }])
  })

  test("what the handlers of a socket open that its agent took again, without a line of the user's, at the line of its first request", async () => {
    let line = 0
    const leaks = await findLeaks(async () => {
      const second = net.createServer()
      cleanups.push(() => second.close())
      const server = http.createServer((_, response) => response.end())
      server.on('upgrade', (_, socket) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
        socket.once('data', () => socket.end('x'))
      })
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const agent = new http.Agent({ keepAlive: true })
      const to = { port: (server.address() as net.AddressInfo).port, host: '127.0.0.1', agent }
      line = here() + 1
      const first = http.get(to)
      const [response] = (await once(first, 'response')) as [http.IncomingMessage]
      await Promise.all([once(agent, 'free'), once(response.resume(), 'end')])
      const upgrade = http.get({ ...to, headers: { connection: 'upgrade', upgrade: 'x' } })
      const [, socket] = (await once(upgrade, 'upgrade')) as [unknown, net.Socket]
      expect(upgrade.reusedSocket).toBe(true)
      // Node calls it, and nobody between.
      socket.once('data', second.listen.bind(second, { port: 0 }))
      socket.end('x')
      await Promise.all([once(second, 'listening'), once(socket, 'close')])
      server.close()
      agent.destroy()
    }, quick)
    expect(leaks).toMatchObject([{ kind: 'tcp-listener', site: { file: HERE, line } }])
  })

  test('a socket that came through at its third address, at the line of its connect()', async () => {
    const server = await listener()
    const { port } = server.address() as net.AddressInfo
    const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.1'].map((address) => ({ address, family: 4 }))
    let line = 0
    const leaks = await findLeaks(async () => {
      const options = {
        host: 'three.test',
        port,
        autoSelectFamily: true,
        lookup: (_: string, __: object, done: Done) => done(null, addresses),
      }
      line = here() + 1
      const socket = net.connect(options as net.NetConnectOpts)
      cleanups.push(() => socket.destroy())
      await once(socket, 'connect')
    }, quick)
    expect(leaks).toMatchObject([{ kind: 'tcp-socket', remote: { host: '127.0.0.1', port }, site: { file: HERE, line } }])
  })

  test('a dial that was refused at once does not lend its line to the next that is dialled by hand', async () => {
    const { port } = (await listener()).address() as net.AddressInfo
    let line = 0
    const leaks = await findLeaks(async () => {
      expect(() => net.connect({} as net.NetConnectOpts)).toThrow(expect.objectContaining({ code: 'ERR_MISSING_ARGS' }))
      await Promise.resolve()
      const socket = new net.Socket()
      cleanups.push(() => socket.destroy())
      line = here() + 1
      socket.connect(port, '127.0.0.1')
      await once(socket, 'connect')
    }, quick)
    expect(leaks).toMatchObject([{ kind: 'tcp-socket', site: { file: HERE, line } }])
  })

  test('unix sockets, both ends and the listener, by path', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'netgrace-'))
    cleanups.push(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 's')
    const leaks = await findLeaks(async () => {
      const server = net.createServer((socket) => cleanups.push(() => socket.destroy())).listen(path)
      cleanups.push(() => server.close())
      const accepted = once(server, 'connection')
      const socket = net.connect(path)
      cleanups.push(() => socket.destroy())
      await accepted
    }, quick)
    expect(leaks.map(({ kind, local, remote }) => ({ kind, local, remote }))).toEqual([
      { kind: 'unix-listener', local: { path }, remote: undefined },
      { kind: 'unix-socket', local: undefined, remote: { path } },
      { kind: 'unix-socket', local: { path }, remote: undefined },
    ])
  })

  test('a datagram socket', async () => {
    const leaks = await findLeaks(async () => {
      const socket = dgram.createSocket('udp4')
      cleanups.push(() => socket.close())
      socket.bind(0, '127.0.0.1')
      await once(socket, 'listening')
    }, quick)
    expect(leaks).toMatchObject([{ kind: 'udp-socket', local: { host: '127.0.0.1' }, site: { file: HERE } }])
  })

  test('timers: setTimeout, setInterval, unref and node:timers/promises', async () => {
    const abort = new AbortController()
    const leaks = await findLeaks(() => {
      const timeout = setTimeout(() => {}, 60_000)
      const ticker = setInterval(() => {}, 500).unref()
      cleanups.push(
        () => clearTimeout(timeout),
        () => clearInterval(ticker),
        () => abort.abort(),
      )
      delay(70_000, undefined, { signal: abort.signal }).catch(() => {})
    }, quick)
    expect(leaks.map(({ kind, detail, unref, site }) => ({ kind, detail, unref, file: site?.file }))).toEqual([
      { kind: 'timer', detail: 'setTimeout 60000 ms', unref: false, file: HERE },
      { kind: 'timer', detail: 'setInterval 500 ms', unref: true, file: HERE },
      { kind: 'timer', detail: 'setTimeout 70000 ms', unref: false, file: HERE },
    ])
  })

  test('the line behind an await, and the one on whose behalf', async () => {
    const server = await listener()
    const leaks = await findLeaks(async () => {
      await delay(1)
      await dial(server)
    }, quick)
    expect(leaks[0]!.site).toMatchObject({ function: 'dial' })
    expect(leaks[0]!.stack.split('\n')).toMatchObject(
      [/at dial .*find\.test\.ts/, /find\.test\.ts/, /find\.test\.ts/].map((line) => expect.stringMatching(line)),
    )
  })
})

describe('what is not', () => {
  test('what was closed and not awaited', async () => {
    const server = await listener()
    const leaks = await findLeaks(async () => {
      const own = await listener()
      const socket = await dial(server)
      own.close()
      socket.destroy()
      clearInterval(setInterval(() => {}, 1))
    })
    expect(leaks).toEqual([])
  })

  test('what closes by itself within the settling time', async () => {
    const leaks = await findLeaks(() => void setTimeout(() => {}, 50))
    expect(leaks).toEqual([])
  })

  test('what was open before, or opens elsewhere meanwhile', async () => {
    const server = await listener()
    const first = findLeaks(() => dial(server), quick)
    const second = findLeaks(() => delay(30), { withinMs: 0 })
    await dial(server)
    expect(await second).toEqual([])
    expect(await first).toHaveLength(1)
  })

  test('a datagram socket that was never bound', async () => {
    expect(await findLeaks(() => void dgram.createSocket('udp4'), quick)).toEqual([])
  })

  test('the time-out of a socket, and AbortSignal.timeout', async () => {
    const server = await listener()
    const leaks = await findLeaks(
      async () => {
        const socket = await dial(server)
        socket.setTimeout(60_000)
        AbortSignal.timeout(60_000)
      },
      { ...quick, kinds: ['timer'] },
    )
    expect(leaks).toEqual([])
  })
})

describe('scopes', () => {
  test('a nested scope is found by itself and by the outer one', async () => {
    const server = await listener()
    let inner: unknown
    const outer = await findLeaks(async () => {
      inner = await findLeaks(() => dial(server), quick)
      await dial(server)
    }, quick)
    expect(inner).toHaveLength(1)
    expect(outer).toHaveLength(2)
  })

  test('what a scope opens after its check counts in the outer one', async () => {
    const server = await listener()
    let late!: Promise<net.Socket>
    const outer = await findLeaks(async () => {
      const inner = await findLeaks(
        () => {
          late = delay(40).then(() => dial(server))
        },
        { withinMs: 0 },
      )
      expect(inner).toHaveLength(1)
      await late
    }, quick)
    expect(outer).toMatchObject([{ kind: 'tcp-socket', site: { function: 'dial' } }])
  })

  test('twenty at once, each with its own', async () => {
    const server = await listener()
    const found = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        findLeaks(async () => {
          for (let opened = 0; opened < n % 3; opened++) await dial(server)
        }, quick),
      ),
    )
    expect(found.map((leaks) => leaks.length)).toEqual(Array.from({ length: 20 }, (_, n) => n % 3))
  })

  test("what an accepted socket's handlers open behind an await belongs to its listener's scope, not to its client's", async () => {
    const { ring, rung } = bell()
    const kindsOf = async (leaks: Promise<Leak[]>): Promise<string[]> => (await leaks).map(({ kind }) => kind).toSorted()
    let serving!: Promise<Leak[]>
    const server = await new Promise<net.Server>((resolve) => {
      serving = findLeaks(async () => {
        resolve(await listener((socket) => void socket.on('data', ring)))
        await rung
      }, quick)
    })
    const dialling = findLeaks(async () => {
      const socket = await dial(server)
      socket.write('x')
      await rung
    }, quick)
    expect(await kindsOf(serving)).toEqual(['tcp-listener', 'tcp-socket', 'timer'])
    expect(await kindsOf(dialling)).toEqual(['tcp-socket'])
  })

  test.skipIf(process.versions.node.startsWith('20.'))(
    "what an HTTP/2 stream's handlers open, too; Node 20 does not tell of such a stream",
    async () => {
      const { ring, rung } = bell()
      const leaks = await findLeaks(async () => {
        const server = http2.createServer().on('stream', (stream) => {
          stream.respond()
          stream.on('data', ring).on('end', () => stream.end())
        })
        await once(server.listen(0, '127.0.0.1'), 'listening')
        const session = http2.connect(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`)
        session.request({ ':method': 'POST' }).resume().end('x')
        await rung
        session.close()
        server.close()
      })
      expect(leaks).toMatchObject([{ kind: 'timer', site: { file: HERE } }])
    },
  )

  test("the user's own AsyncLocalStorage is in an accepted socket's handlers what it is without a check", async () => {
    const theirs = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const talk = (): Promise<void> =>
      theirs.run('theirs', async () => {
        const server = await listener((socket) => {
          seen.push(theirs.getStore())
          socket.on('data', () => {
            seen.push(theirs.getStore())
            socket.end()
          })
        })
        const socket = await dial(server)
        socket.resume().end('x')
        await once(socket, 'close')
      })
    await talk()
    await findLeaks(talk, quick)
    expect(seen).toEqual(['theirs', undefined, 'theirs', undefined])
  })

  test('the tracer is off before, and off again after the last', async () => {
    expect(currentScope()).toBeUndefined()
    await findLeaks(async () => {
      expect(currentScope()).toBeDefined()
      await findLeaks(() => {})
      expect(currentScope()).toBeDefined()
    })
    expect(currentScope()).toBeUndefined()
    await expect(findLeaks(() => Promise.reject(new Error('own')))).rejects.toThrow('own')
    expect(currentScope()).toBeUndefined()
  })
})

describe('fake timers', () => {
  afterEach(() => void vi.useRealTimers())

  test('do not freeze the settling', async () => {
    vi.useFakeTimers()
    const server = net.createServer().listen(0, '127.0.0.1')
    cleanups.push(() => server.close())
    await once(server, 'listening')
    expect(await findLeaks(() => dial(server), quick)).toHaveLength(1)
  })
})

describe('assertNoLeaks', () => {
  test('resolves to the value', async () => {
    expect(await assertNoLeaks(async () => 7)).toBe(7)
    expect(await assertNoLeaks(() => 'now')).toBe('now')
  })

  test("the function's own error wins", async () => {
    const server = await listener()
    await expect(
      assertNoLeaks(async () => {
        await dial(server)
        throw new Error('own')
      }),
    ).rejects.toThrow('own')
  })

  test('the error names each handle, and begins with the line that opened the first', async () => {
    const server = await listener()
    const line = here() + 1
    const failed = assertNoLeaks(async function gateway() {
      await dial(server)
      await dial(server)
      const ticker = setInterval(() => {}, 500).unref()
      cleanups.push(() => clearInterval(ticker))
    }, quick)
    const error = await failed.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(LeakError)
    expect(error).toMatchObject({ name: 'LeakError', code: 'ERR_NETGRACE_LEAK', leaks: [{}, {}, {}] })
    const { message, stack } = error as LeakError
    const { port } = server.address() as net.AddressInfo
    expect(message).toMatch(/^3 handles were still open 20 ms after "gateway"\n/)
    expect(message).toMatch(
      new RegExp(`^  tcp-socket  127\\.0\\.0\\.1:\\d+ → 127\\.0\\.0\\.1:${port}   open \\d+ ms, sent 0 B, received 0 B$`, 'm'),
    )
    expect(message).toMatch(/^ {6}opened by dial {3}test\/leaks\/find\.test\.ts:\d+:\d+$/m)
    expect(message).toMatch(/^ {14}and 1 more that this line opened$/m)
    expect(message).toMatch(/^  timer {7}setInterval 500 ms, unref'd$/m)
    expect(message).toMatch(new RegExp(`^ {6}started by gateway {3}test/leaks/find\\.test\\.ts:${line + 3}:\\d+$`, 'm'))
    expect(message).toContain("assertNoLeaks(fn, { ignore: [{ file: 'test/leaks/find.test.ts' }] })")
    expect(stack!.split('\n').find((text) => text.startsWith('    at '))).toMatch(/at dial .*find\.test\.ts/)
  })

  test('a function without a name is told by the line of the call', async () => {
    const server = await listener()
    const line = here() + 1
    const failed = assertNoLeaks(() => dial(server), quick)
    await expect(failed).rejects.toThrow(`1 handle was still open 20 ms after assertNoLeaks at test/leaks/find.test.ts:${line}:`)
  })
})

describe('options', () => {
  test('ignore by file, folder, pattern, kind, unref and function; kinds', async () => {
    const server = await listener()
    const found = async (options: object): Promise<number> => (await findLeaks(() => dial(server), { withinMs: 0, ...options })).length
    expect(await found({})).toBe(1)
    expect(await found({ ignore: [{ file: 'test/leaks/find.test.ts' }] })).toBe(0)
    expect(await found({ ignore: [{ file: 'leaks/find.test.ts' }] })).toBe(0)
    expect(await found({ ignore: [{ file: './test/leaks/' }] })).toBe(0)
    expect(await found({ ignore: [{ file: 'd.test.ts' }] })).toBe(1)
    expect(await found({ ignore: [{ file: /find\.test/g }] })).toBe(0)
    expect(await found({ ignore: [{ kind: 'tcp-socket', unref: false }] })).toBe(0)
    expect(await found({ ignore: [{ kind: 'tcp-socket', unref: true }] })).toBe(1)
    expect(await found({ ignore: [({ remote }: { remote: object }) => 'port' in remote] })).toBe(0)
    expect(await found({ kinds: ['timer'] })).toBe(0)
  })

  test.each([
    [{ withinMs: -1 }, 'withinMs must be a finite number ≥ 0'],
    [{ within: 1 }, 'one of withinMs, kinds, ignore'],
    [{ kinds: ['socket'] }, 'kinds[0] must be one of tcp-socket'],
    [{ ignore: {} }, 'ignore must be an array'],
    [{ ignore: [{}] }, 'ignore[0] must be a function, or one or more of'],
    [{ ignore: [{ files: 'x' }] }, 'one of kind, file, package, unref'],
  ])('%o is refused before anything runs', async (options, message) => {
    const fn = vi.fn<() => void>()
    await expect(findLeaks(fn, options as object)).rejects.toThrow(message)
    expect(fn).not.toHaveBeenCalled()
  })

  test('no function is refused', async () => {
    await expect(assertNoLeaks(undefined as never)).rejects.toThrow('fn must be a function, got undefined')
  })
})

let ready!: () => void
const listening = new Promise<void>((resolve) => {
  ready = resolve
})
