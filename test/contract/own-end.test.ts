import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'

import { describe, expect, test } from 'vitest'

import { type Connection, connect, type Handler, type StopReport } from '../../src/index.ts'
import { bareClient, until } from '../support.ts'
import { dial, echo, serve } from './parts.ts'

const BIG = Buffer.alloc(4 << 20)

/** The error that the end of its own connection gives to a handler. */
async function endOf(connection: Connection): Promise<Error> {
  await connection.ended
  return connection.send('x').then(
    () => new Error('was sent'),
    (error: Error) => error,
  )
}

/** What the report says of a handler whose peer resets after its first byte. */
async function afterReset(handler: Handler): Promise<StopReport> {
  const server = await serve(async (connection, quit) => {
    await connection.read(1)
    return handler(connection, quit)
  })
  const client = await bareClient(server)
  client.write('x')
  const [connection] = await server.connectionsReach(1)
  await until(() => connection!.socket.bytesRead > 0)
  client.resetAndDestroy()
  await until(() => server.connections.size === 0)
  return server.stop()
}

describe("a handler that lets its own connection's end through has not failed", () => {
  test.each<[what: string, handler: Handler]>([
    ['two sends at once', async (connection) => void (await Promise.all([connection.send(BIG), connection.send(BIG)]))],
    ['ten sends at once', async (connection) => void (await Promise.all(Array.from({ length: 10 }, () => connection.send(BIG))))],
    ['any of two sends', async (connection) => Promise.any([connection.send(BIG), connection.send(BIG)])],
    [
      'the first error of two, thrown when both are known',
      async (connection) => {
        const outcomes = await Promise.allSettled([connection.send(BIG), connection.send(BIG)])
        for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
      },
    ],
    [
      'all errors of three, as an AggregateError',
      async (connection) => {
        const outcomes = await Promise.allSettled([connection.send(BIG), connection.send(BIG), connection.send(BIG)])
        const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []))
        throw new AggregateError(reasons, 'all of them')
      },
    ],
    [
      'an error whose cause it is',
      async (connection) => {
        throw new Error('the session is over', { cause: await endOf(connection) })
      },
    ],
    [
      'a cause within a cause, within an AggregateError of another realm',
      async (connection) => {
        const end = await endOf(connection)
        throw runInNewContext("new AggregateError([end, new Error('outer', { cause: new Error('inner', { cause: end }) })])", { end })
      },
    ],
    [
      'a SuppressedError of two',
      async (connection) => {
        const suppressed = await endOf(connection)
        throw Object.assign(new Error('disposing failed, too'), { name: 'SuppressedError', error: await endOf(connection), suppressed })
      },
    ],
    ['a pipeline into its socket', async ({ socket }) => pipeline(new PassThrough().end(BIG), socket)],
    [
      'two writes to its socket, when it has closed',
      async (connection) => {
        await connection.ended
        const write = (): Promise<void> =>
          new Promise((resolve, reject) => connection.socket.write('x', (error) => (error ? reject(error) : resolve())))
        await Promise.all([write(), write()])
      },
    ],
  ])('%s', async (_what, handler) => {
    expect(await afterReset(handler)).toMatchObject({ accepted: 1, endedBefore: 1, errors: [] })
  })

  test.each<[what: string, handler: Handler]>([
    ['the reason of quit', async (_connection, quit) => (await once(quit, 'abort'), Promise.reject(quit.reason))],
    ['an AbortError by quit', async (_connection, quit) => sleep(60_000, undefined, { signal: quit })],
    [
      'an AbortError by quit, wrapped twice',
      async (_connection, quit) => {
        await sleep(60_000, undefined, { signal: quit }).catch((cause: Error) => {
          throw new Error('gave up', { cause: new Error('was told to', { cause }) })
        })
      },
    ],
    [
      'two at once, as an AggregateError',
      async (_connection, quit) => {
        const both = [sleep(60_000, undefined, { signal: quit }), sleep(60_000, undefined, { signal: AbortSignal.any([quit]) })]
        throw new AggregateError((await Promise.allSettled(both)).map((outcome) => (outcome as PromiseRejectedResult).reason as Error))
      },
    ],
    [
      'an AbortError of its own that has the reason as its cause',
      async (_connection, quit) => {
        await once(quit, 'abort')
        throw Object.assign(new Error('aborted', { cause: new Error('by', { cause: quit.reason }) }), { name: 'AbortError' })
      },
    ],
  ])('nor has one that lets quit through: %s', async (_what, handler) => {
    const server = await serve(handler)
    await dial(server)
    await server.connectionsReach(1)
    expect(await server.stop()).toMatchObject({ accepted: 1, drained: [{ handler: 'rejected' }], errors: [] })
  })

  test('nor has one that two sends were refused because its server has half-closed by itself', async () => {
    const server = await serve(
      async (connection) => {
        await connection.readLine()
        await Promise.all([connection.send('a'), connection.send('b')])
      },
      { closing: { how: 'half' } },
    )
    const client = await dial(server, { allowHalfOpen: true })
    await client.readToEnd()
    await client.send('late\n')
    expect(await client.close()).toMatchObject({ kind: 'eof' })
    await until(() => server.connections.size === 0)
    expect(await server.stop()).toMatchObject({ errors: [] })
  })
})

describe('but a failure is one', () => {
  test.each<[what: string, handler: Handler]>([
    [
      'beside its own end, in an AggregateError',
      async (connection) => {
        throw new AggregateError([await endOf(connection), new Error('failed')])
      },
    ],
    [
      'when it was suppressed by its own end',
      async (connection) => {
        const error = await endOf(connection)
        throw Object.assign(new Error('both'), { name: 'SuppressedError', error, suppressed: new Error('failed') })
      },
    ],
    ['as an AggregateError of nothing', async () => Promise.reject(new AggregateError([]))],
    [
      'an error that is its own cause',
      async () =>
        Promise.reject(
          Object.assign(new Error('circle'), {
            get cause() {
              return this
            },
          }),
        ),
    ],
    [
      'the end of another connection, although it has the same cause',
      async (connection) => {
        const upstream = await echo()
        const other = await connect(upstream)
        const [otherSide] = await upstream.connectionsReach(1)
        await otherSide!.reset()
        await connection.ended
        await other.ended
        throw new Error('upstream', { cause: await endOf(other as never) })
      },
    ],
  ])('%s', async (_what, handler) => {
    expect((await afterReset(handler)).errors.length).toBe(1)
  })

  test('an abort of its own, without quit', async () => {
    const server = await serve(async () => Promise.reject(new DOMException('mine', 'AbortError')))
    const client = await dial(server)
    await client.ended
    expect((await server.stop()).errors.length).toBe(1)
  })
})
