import { once } from 'node:events'
import net from 'node:net'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'

import { describe, expect, test } from 'vitest'

import type { SupervisedConnection } from '../../src/server/supervise/supervised-connection.ts'
import type { SupervisedServer } from '../../src/server/supervise/supervised-server.ts'
import { certificate } from '../certificate.ts'
import { bareClient, closed, connectBehindTheBack, dialBare, eventsOf, textOf, turns, until } from '../support.ts'
import { supervise, used } from './support.ts'

test('each connection gets a FIN, and the stop waits for the peer’s', async () => {
  const server = net.createServer((socket) => void socket.on('error', () => {}).pipe(socket))
  const supervised = await supervise(server, { graceMs: 60_000 })
  const client = await bareClient(supervised)
  client.write('hello')
  expect(String((await once(client, 'data'))[0])).toBe('hello')
  const stopped = supervised.stop()
  expect(await textOf(client)).toBe('')
  await turns(5)
  expect(supervised.state).toBe('draining')
  client.end()
  expect(await stopped).toMatchObject({ accepted: 1, drained: [{ use: 'open', ending: { kind: 'eof', by: 'local' } }], forced: [] })
})

test('whoever listens to quit can say goodbye before the FIN', async () => {
  const sockets: net.Socket[] = []
  const supervised = await supervise(net.createServer((socket) => void sockets.push(socket)))
  supervised.quit.addEventListener('abort', () => sockets.forEach((socket) => socket.write('421 goodbye\r\n')))
  const client = await bareClient(supervised)
  await used(supervised, 'open')
  const stopped = supervised.stop()
  expect(await textOf(client)).toBe('421 goodbye\r\n')
  client.end()
  expect(await stopped).toMatchObject({ forced: [] })
})

test('a handler that goes on writing after the FIN brings nothing down', async () => {
  const sockets: net.Socket[] = []
  const supervised = await supervise(net.createServer((socket) => void sockets.push(socket)))
  const client = await bareClient(supervised)
  await used(supervised, 'open')
  const stopped = supervised.stop()
  await until(() => sockets[0]!.writableEnded)
  sockets[0]!.write('more') // nobody listens to its errors
  client.resume().end()
  await closed(client)
  expect(await stopped).toMatchObject({ accepted: 1, forced: [], cutOff: [{ cutOffBytes: 4, ending: { kind: 'eof', by: 'local' } }] })
})

test('a server that reads nothing sees the peer’s FIN all the same', async () => {
  const supervised = await supervise(net.createServer(), { graceMs: 60_000 })
  const client = await bareClient(supervised)
  client.write('unread')
  await used(supervised, 'open')
  const stopped = supervised.stop()
  await textOf(client)
  client.end()
  expect(await stopped).toMatchObject({ drained: [{ bytesRead: 6 }], forced: [] })
})

test('a peer that keeps its half open is reset at the deadline', async () => {
  const supervised = await supervise(net.createServer(), { graceMs: 40 })
  const client = await bareClient(supervised)
  await used(supervised, 'open')
  const report = await supervised.stop()
  expect(report).toMatchObject({ drained: [], forced: [{ peer: { port: client.localPort }, ending: { kind: 'reset', by: 'local' } }] })
  expect(report.phases.drainMs).toBeGreaterThan(30)
})

test('what nobody listened to stays an error of the server’s: ours does not swallow it', async () => {
  const server = net.createServer()
  const supervised = await supervise(server)
  const accepted = once(server, 'connection') as Promise<[net.Socket]>
  const client = await bareClient(supervised)
  const [socket] = await accepted
  expect(socket.listenerCount('error')).toBe(0)
  client.destroy()
  await closed(client)
})

test('20 clients that only the kernel knows at quit are late: the handler meets none', async () => {
  let handled = 0
  const supervised = await supervise(net.createServer(() => handled++))
  const { events } = connectBehindTheBack(supervised, 20)
  expect(await supervised.stop()).toMatchObject({ accepted: 0, late: 20 })
  expect(await events).toStrictEqual(Array.from({ length: 20 }, () => ['connect', 'ECONNRESET']))
  expect(handled).toBe(0)
})

test('who dials in the moment of the stop has connected before it sees the reset', async () => {
  const supervised = await supervise(net.createServer())
  const seen = eventsOf(dialBare(supervised))
  expect(await supervised.stop()).toMatchObject({ accepted: 0, late: 1 })
  expect(await seen).toStrictEqual(['connect', 'ECONNRESET', 'close'])
})

test('connections that were over before are counted, and how they ended is known', async () => {
  const server = net.createServer((socket) => void socket.on('error', () => {}).resume())
  const supervised = await supervise(server)
  const [leaves, resets, stays] = await Promise.all([bareClient(supervised), bareClient(supervised), bareClient(supervised)])
  await used(supervised, 'open', 3)
  leaves.end()
  resets.resetAndDestroy()
  await until(() => supervised.connections.size === 1)
  const seen = eventsOf(stays)
  stays.on('end', () => stays.end())
  expect(await supervised.stop()).toMatchObject({ accepted: 3, endedBefore: 2, drained: [{ id: expect.any(Number) }] })
  expect(await seen).toStrictEqual(['end', 'close'])
})

describe('an answer that is under way at quit', () => {
  /** A server that takes its time over each line: its answers, and what its sockets told it. */
  function lineServer(ms: number, options: net.ServerOpts = {}): { server: net.Server; errors: string[] } {
    const errors: string[] = []
    const server = net.createServer(options, (socket) => {
      socket.on('error', (error) => errors.push(error.message))
      let answered = Promise.resolve()
      socket.on('data', (data) => {
        for (const line of String(data).trim().split('\n')) {
          answered = answered
            .then(() => sleep(ms))
            .then(() => void socket.write(`250 ${line}\r\n`, (error) => error && errors.push(error.message)))
        }
      })
    })
    return { server, errors }
  }

  async function asked(to: SupervisedServer, text: string): Promise<net.Socket> {
    const client = await bareClient(to)
    client.write(text)
    await used(to, 'answering')
    return client
  }

  test('is given before the FIN', async () => {
    const { server, errors } = lineServer(60)
    const supervised = await supervise(server, { graceMs: 60_000 })
    const client = await asked(supervised, 'MAIL\n')
    const stopped = supervised.stop()
    expect(await textOf(client)).toBe('250 MAIL\r\n')
    client.end()
    expect(await stopped).toMatchObject({ drained: [{ use: 'answering', ending: { kind: 'eof', by: 'local' } }], forced: [], cutOff: [] })
    expect(errors).toStrictEqual([])
  })

  test('may come in parts that follow on each other', async () => {
    const { server } = lineServer(20)
    const supervised = await supervise(server, { graceMs: 60_000 })
    const client = await asked(supervised, 'one\ntwo\nthree\n')
    const stopped = supervised.stop()
    expect(await textOf(client)).toBe('250 one\r\n250 two\r\n250 three\r\n')
    client.end()
    expect(await stopped).toMatchObject({ forced: [], cutOff: [] })
  })

  test('to a client that asks on and on is the last but a few', async () => {
    const { server } = lineServer(2)
    const supervised = await supervise(server, { graceMs: 60_000 })
    const client = await bareClient(supervised)
    client.on('data', () => client.write('more\n')).on('end', () => client.end())
    client.write('more\n')
    await used(supervised, 'answering')
    const stopped = supervised.stop()
    await closed(client)
    const report = await stopped // a question that crossed the FIN may have been answered for nothing
    expect(report).toMatchObject({ accepted: 1, forced: [] })
    expect(report.durationMs).toBeLessThan(20_000)
  })

  test('that does not come leaves the client its FIN before the deadline, and no reset', async () => {
    const supervised = await supervise(
      net.createServer((socket) => void socket.resume()),
      { graceMs: 200 },
    )
    const client = await asked(supervised, 'one-way\n')
    client.on('end', () => client.end())
    const seen = eventsOf(client)
    const report = await supervised.stop()
    expect(report).toMatchObject({ drained: [{ use: 'answering', ending: { kind: 'eof', by: 'local' } }], forced: [], cutOff: [] })
    expect(report.durationMs).toBeGreaterThan(145)
    expect(await seen).toStrictEqual(['end', 'close'])
  })

  test('and comes too late is counted, and is no error of the server’s', async () => {
    const { server, errors } = lineServer(200)
    const supervised = await supervise(server, { graceMs: 100 })
    const client = await asked(supervised, 'slow\n')
    const stopped = supervised.stop()
    await textOf(client)
    const [{ socket }] = [...supervised.connections] as [SupervisedConnection]
    socket.end('the rest')
    client.end()
    expect(await stopped).toMatchObject({ cutOff: [{ cutOffBytes: 8, use: 'answering' }], drained: [{ cutOffBytes: 8 }] })
    expect(errors).toStrictEqual([])
  })

  test.each<[string, net.ServerOpts, boolean]>([
    ['has paused its connections', { pauseOnConnect: true }, true],
    ['has yet to listen to them', {}, false],
  ])('is given by a server that %s', async (_how, options, resumes) => {
    const errors: Error[] = []
    const server = net.createServer(options, (socket) => {
      socket.on('error', (error) => errors.push(error))
      setTimeout(() => {
        socket.on('data', (data) => socket.end(`got ${String(data)}`))
        if (resumes) socket.resume()
      }, 100)
    })
    const supervised = await supervise(server, { graceMs: 60_000 })
    const client = await asked(supervised, 'hi')
    const stopped = supervised.stop()
    expect(await textOf(client)).toBe('got hi')
    client.end()
    expect(await stopped).toMatchObject({ drained: [{ ending: { kind: 'eof', by: 'local' } }], forced: [], cutOff: [] })
    expect(errors).toStrictEqual([])
  })

  test('over TLS is given, to a question that came with the end of the handshake', async () => {
    const server = tls.createServer(certificate(), (socket) => {
      socket.on('error', () => {})
      socket.on('data', () => setTimeout(() => socket.write('the answer\n'), 60))
    })
    const supervised = await supervise(server, { graceMs: 60_000 })
    const client = tls.connect({ port: supervised.port, host: supervised.host, ca: certificate().cert })
    client.write('question\n')
    await used(supervised, 'answering')
    const stopped = supervised.stop()
    expect(await textOf(client)).toBe('the answer\n')
    client.end()
    expect(await stopped).toMatchObject({ drained: [{ use: 'answering', ending: { kind: 'eof', by: 'local' } }], forced: [] })
  })
})

test('what is piped into a connection behind its FIN is counted, and holds nothing up', async () => {
  const source = new PassThrough()
  const supervised = await supervise(
    net.createServer((socket) => void source.pipe(socket)),
    { graceMs: 60_000 },
  )
  const client = await bareClient(supervised)
  await used(supervised, 'open')
  const stopped = supervised.stop()
  expect(await textOf(client)).toBe('')
  for (let n = 0; n < 100; n++) source.write(Buffer.alloc(10_000))
  await new Promise<void>((resolve) => void source.end(resolve))
  client.end()
  expect(await stopped).toMatchObject({ cutOff: [{ cutOffBytes: 1_000_000 }], forced: [] })
})

test('a write behind the FIN calls back with an error', async () => {
  const supervised = await supervise(net.createServer(), { graceMs: 60_000 })
  const client = await bareClient(supervised)
  await used(supervised, 'open')
  const [{ socket }] = [...supervised.connections] as [SupervisedConnection]
  const stopped = supervised.stop()
  await textOf(client)
  const error = await new Promise((resolve) => void socket.write('grüße', 'utf8', resolve))
  expect(error).toMatchObject({ code: 'ERR_STREAM_WRITE_AFTER_END' })
  client.end()
  expect(await stopped).toMatchObject({ cutOff: [{ cutOffBytes: 7 }] })
})
