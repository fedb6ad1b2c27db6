/** Shutdowns as they are written, good and bad, and what the check says of each. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { createHttpTerminator } from 'http-terminator'
import stoppable from 'stoppable'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'

import { checkGracefulHttpServer } from '../../../src/server/supervise/check/check-graceful-http-server.ts'
import type { CheckOptions, HttpServerToCheck } from '../../../src/server/supervise/check/check-options.ts'
import type { CheckCounts } from '../../../src/server/supervise/check/check-report.ts'
import type { SuperviseOptions } from '../../../src/server/supervise/supervise-options.ts'
import { superviseServer } from '../../../src/server/supervise/supervise-server.ts'
import type { SupervisedServer } from '../../../src/server/supervise/supervised-server.ts'
import { certificate } from '../../certificate.ts'

const ANSWER_MS = 40
const LINGER: SuperviseOptions = { idle: { lingerMs: 150 } }

/** Something is always under way. */
const SLOW_MS = 300

/** Answers that a bad shutdown has not waited for; they would outlive their test. */
const pending = new Set<NodeJS.Timeout>()

afterEach(() => pending.forEach((timer) => clearTimeout(timer)))

function answerAfter(ms: number): http.RequestListener {
  return (_request, response) => void pending.add(setTimeout(() => response.end('answer'), ms))
}

const slow = answerAfter(SLOW_MS)
const answering = answerAfter(ANSWER_MS)

async function supervised(listener = answering, options = LINGER): Promise<SupervisedServer> {
  const server = await superviseServer(http.createServer(listener), options)
  onTestFinished(async () => void (await server.stop({ graceMs: 0 })))
  return server
}

/** A server without any help, listening; gone when the test has ended. */
async function bare(listener = answering): Promise<{ server: http.Server; port: number; closed: () => Promise<void> }> {
  const server = http.createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const closed = (): Promise<void> => new Promise((resolve) => void server.close(() => resolve()))
  return { server, port: (server.address() as net.AddressInfo).port, closed }
}

/** What its requests depend on, as a pool of connections to a database. */
class Database {
  open = true
  readonly listener: http.RequestListener = (_request, response) => {
    setTimeout(() => {
      response.statusCode = this.open ? 200 : 500
      response.end(this.open ? 'row' : 'the pool is closed')
    }, ANSWER_MS)
  }
}

type Make = () => Promise<HttpServerToCheck>

const GOOD: [name: string, make: Make, options?: CheckOptions][] = [
  ['supervised, idle connections linger', () => supervised()],
  ['supervised, of a server that answers at once', () => supervised((_request, response) => void response.end('answer'))],
  [
    'supervised, over TLS',
    async () => superviseServer(https.createServer(certificate(), answering), LINGER),
    { tls: { ca: certificate().cert }, clients: 5 },
  ],
  [
    'supervised, and the database is closed after it',
    async () => {
      const database = new Database()
      const server = await supervised(database.listener)
      const stop = async (): Promise<void> => {
        await server.stop()
        database.open = false
      }
      return { url: server.url, stop }
    },
  ],
  [
    'a delay before it, as Kubernetes asks for, which is permitted',
    async () => {
      const server = await supervised()
      return { url: server.url, stop: () => sleep(300).then(() => server.stop()) }
    },
    { acceptsForMs: 400 },
  ],
  [
    'by hand: the listener closes, each further answer closes its connection',
    async () => {
      let stopping = false
      const { server, port, closed } = await bare((_request, response) => {
        setTimeout(() => {
          if (stopping) response.setHeader('connection', 'close')
          response.end('answer')
        }, ANSWER_MS)
      })
      const stop = (): Promise<void> => {
        stopping = true
        server.closeIdleConnections = () => {} // close() would reset those that are about to ask
        return closed()
      }
      return { port, stop }
    },
  ],
  [
    'errors that were there before the stop are none of its making',
    () =>
      supervised((_request, response) => {
        response.statusCode = 500
        setTimeout(() => response.end('as always'), ANSWER_MS)
      }),
  ],
]

const BAD: [name: string, what: keyof CheckCounts | 'not stopped', make: Make, options?: CheckOptions][] = [
  [
    'server.close() alone, which clients that go on asking keep open',
    'not stopped',
    async () => {
      const { port, closed } = await bare()
      return { port, stop: closed }
    },
    { withinMs: 400 },
  ],
  ['a stop that fails', 'not stopped', async () => ({ port: (await bare()).port, stop: () => Promise.reject(new Error('no')) })],
  [
    'a stop that never settles',
    'not stopped',
    async () => ({ port: (await bare()).port, stop: () => new Promise(() => {}) }),
    { withinMs: 300 },
  ],
  ['a stop that stops nothing', 'acceptedAfterStop', async () => ({ port: (await bare()).port, stop: () => sleep(200) })],
  [
    'all connections are closed at once',
    'lost',
    async () => {
      const { server, port, closed } = await bare()
      const stop = (): Promise<void> => {
        server.closeAllConnections()
        return closed()
      }
      return { port, stop }
    },
  ],
  ['a grace that is shorter than the answers take', 'lost', () => supervised(slow, { ...LINGER, graceMs: 10 })],
  [
    'a stop that is not waited for',
    'unanswered',
    async () => {
      const server = await supervised(slow)
      const stop = (): void => void server.stop()
      return { url: server.url, stop }
    },
  ],
  [
    'a stop that is waited for some time only',
    'unanswered',
    async () => {
      const server = await supervised(slow)
      return { url: server.url, stop: () => Promise.race([server.stop(), sleep(20)]) }
    },
  ],
  [
    'the database is closed first: what is under way is answered 500',
    'worsened',
    async () => {
      const database = new Database()
      const server = await supervised(database.listener)
      const stop = async (): Promise<void> => {
        database.open = false
        await server.stop()
      }
      return { url: server.url, stop }
    },
  ],
  [
    '503 to those who are connected',
    'worsened',
    async () => {
      let stopping = false
      const server = await supervised((_request, response) => {
        setTimeout(() => {
          if (stopping) response.statusCode = 503
          response.end()
        }, ANSWER_MS)
      })
      const stop = async (): Promise<void> => {
        stopping = true
        await server.stop()
      }
      return { url: server.url, stop }
    },
  ],
  [
    'a delay before it that is not permitted',
    'acceptedAfterStop',
    async () => {
      const server = await supervised()
      return { url: server.url, stop: () => sleep(300).then(() => server.stop()) }
    },
  ],
  [
    'a delay before it that is longer than permitted',
    'acceptedAfterStop',
    async () => {
      const server = await supervised()
      return { url: server.url, stop: () => sleep(500).then(() => server.stop()) }
    },
    { acceptsForMs: 100 },
  ],
  [
    'http-terminator, which closes the listener last',
    'acceptedAfterStop',
    async () => {
      const { server, port } = await bare((_request, response) => void setTimeout(() => response.end('answer'), SLOW_MS * 2))
      const terminator = createHttpTerminator({ server })
      return { port, stop: () => terminator.terminate() }
    },
  ],
  [
    'stoppable, whose last answers do not say that they are',
    'closedWithoutHeader',
    async () => {
      const server = stoppable(
        http.createServer((_request, response) => void setTimeout(() => response.end('answer'), 250)),
      ) as http.Server & { stop(done: () => void): void }
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return { port: (server.address() as net.AddressInfo).port, stop: () => new Promise<void>((resolve) => server.stop(resolve)) }
    },
  ],
]

describe('good', () => {
  test.each(GOOD)('%s', async (_name, make, options) => {
    const report = await checkGracefulHttpServer(make, options)
    report.assertOk()
    expect(report.summary).toMatch(/stopped in \d+ ms, nothing lost$/)
  })
})

const IN_SHORT: Readonly<Record<string, RegExp>> = {
  lost: /\d+ lost/,
  unanswered: /\d+ unanswered when stop\(\) settled/,
  worsened: /\d+ answered with a worse status/,
  acceptedAfterStop: /\d+ accepted after stop\(\)/,
  closedWithoutHeader: /\d+ closed without header/,
  'not stopped': /not stopped after|stop\(\) failed after/,
}

describe('bad', () => {
  test.each(BAD)('%s', async (_name, what, make, options) => {
    const report = await checkGracefulHttpServer(make, options)
    expect(report.ok).toBe(false)
    if (what === 'not stopped') expect(report.stopped).toBe(false)
    else expect(report[what]).toBeGreaterThan(0)
    expect(report.summary).toMatch(IN_SHORT[what]!)
    expect(() => report.assertOk()).toThrow(report.summary)
  })

  test.skipIf(process.platform === 'win32')(
    'a process that does not run any more: its unanswered dial does not hold the check',
    async () => {
      const code = `require('node:http').createServer((_, response) => response.end('ok')).listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () { console.log(this.address().port) })`
      const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
      onTestFinished(async () => {
        const exited = once(child, 'exit')
        child.kill('SIGKILL')
        await exited
      })
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      const stop = (): Promise<void> => {
        child.kill('SIGSTOP')
        return sleep(400)
      }
      const report = await checkGracefulHttpServer(() => ({ port: Number(line), stop }), { clients: 3, withinMs: 1000 })
      expect(report).toMatchObject({ ok: false, unanswered: 3 })
    },
  )
})
