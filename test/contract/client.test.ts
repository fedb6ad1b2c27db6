import { getEventListeners, once } from 'node:events'
import type net from 'node:net'

import { describe, expect, test } from 'vitest'

import { type Client, connect, ConnectionEndedError, NetgraceError } from '../../src/index.ts'
import { formatEndpoint } from '../../src/model/endpoint.ts'
import { type Bare, bareServer, closed, eventsOf, openSockets, textOf, turns, until } from '../support.ts'
import { dial, echo } from './parts.ts'

/** A client of ours and the plain socket opposite. */
async function pair(options?: Parameters<typeof connect>[1]): Promise<{ client: Client; peer: net.Socket; bare: Bare }> {
  const bare = await bareServer()
  const client = await dial(bare, options)
  return { client, peer: await bare.socket(), bare }
}

/** Resolves when the peer's bytes have been read from the kernel by the client. */
async function arrived(client: Client, bytes: number): Promise<void> {
  await until(() => client.socket.bytesRead >= bytes)
}

const TIMEOUT = { name: 'NetgraceError', code: 'ERR_NETGRACE_TIMEOUT' }

test('a client knows both its ends, and keeps them after its own', async () => {
  const { client, peer } = await pair()
  const ends = { local: { host: '127.0.0.1', port: peer.remotePort! }, peer: { host: '127.0.0.1', port: peer.localPort! } }
  expect({ local: client.local, peer: client.peer }).toStrictEqual(ends)
  await client.reset()
  expect({ local: client.local, peer: client.peer }).toStrictEqual(ends)
})

describe('send', () => {
  test.each<[what: string, data: string | Uint8Array, bytes: number[]]>([
    ['text, as UTF-8', 'ä€', [0xc3, 0xa4, 0xe2, 0x82, 0xac]],
    ['a Buffer', Buffer.from([0, 1, 255]), [0, 1, 255]],
    ['a Uint8Array', new Uint8Array([7, 8]), [7, 8]],
    ['a view of part of a buffer', new Uint8Array([1, 2, 3, 4]).subarray(1, 3), [2, 3]],
    ['nothing', '', []],
  ])('sends %s', async (_what, data, bytes) => {
    const { client, peer } = await pair()
    await client.send(data)
    client.halfClose()
    expect([...Buffer.from(await textOf(peer), 'latin1')]).toStrictEqual(bytes)
  })

  test('keeps the order of what is sent without waiting', async () => {
    const { client, peer } = await pair()
    void Promise.all(['a', 'b', 'c', 'd'].map((text) => client.send(text)))
    client.halfClose()
    expect(await textOf(peer)).toBe('abcd')
  })

  test('resolves when the kernel has taken the bytes, and not before', async () => {
    const { client, peer } = await pair()
    let taken = false
    const sent = client.send(Buffer.alloc(32 * 2 ** 20)).then(() => (taken = true))
    peer.pause()
    await turns(100)
    expect(taken).toBe(false)
    peer.resume()
    await sent
    expect(taken).toBe(true)
  })

  test('rejects with the ending when the connection ends first', async () => {
    const { client, peer } = await pair()
    peer.pause()
    const sent = client.send(Buffer.alloc(32 * 2 ** 20))
    const rejected = expect(sent).rejects.toMatchObject({
      name: 'ConnectionEndedError',
      code: 'ERR_NETGRACE_CONNECTION_ENDED',
      ending: { kind: 'reset', by: 'peer' },
    })
    peer.resetAndDestroy()
    await rejected
  })

  test('rejects after the end, with the same ending', async () => {
    const { client, peer } = await pair()
    peer.end()
    const ending = await client.ended
    const error: unknown = await client.send('x').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConnectionEndedError)
    expect((error as ConnectionEndedError).ending).toStrictEqual(ending)
  })

  test('after our own half-close is refused, and says so', async () => {
    const { client } = await pair()
    client.halfClose()
    await expect(client.send('x')).rejects.toMatchObject({ name: 'NetgraceError', code: 'ERR_NETGRACE_HALF_CLOSED' })
  })

  test('still goes out after the peer has ended, where half-open is allowed', async () => {
    const { client, peer } = await pair({ allowHalfOpen: true })
    peer.end('question')
    expect((await client.readToEnd()).toString()).toBe('question')
    const text = textOf(peer)
    await client.send('answer')
    client.halfClose()
    expect(await text).toBe('answer')
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer' })
  })
})

describe('readLine', () => {
  test('gives line by line, without \\n or \\r\\n, however they are cut', async () => {
    const { client, peer } = await pair()
    peer.write('one\r\ntwo\n\nfo')
    expect([await client.readLine(), await client.readLine(), await client.readLine()]).toStrictEqual(['one', 'two', ''])
    peer.write('ur\r')
    await arrived(client, 14)
    peer.write('\nfive\n')
    expect([await client.readLine(), await client.readLine()]).toStrictEqual(['four', 'five'])
  })

  test('gives an unterminated rest once, then undefined', async () => {
    const { client, peer } = await pair()
    peer.end('whole\nrest')
    expect([await client.readLine(), await client.readLine(), await client.readLine(), await client.readLine()]).toStrictEqual([
      'whole',
      'rest',
      undefined,
      undefined,
    ])
  })

  test('gives no empty rest', async () => {
    const { client, peer } = await pair()
    peer.end('whole\n')
    expect([await client.readLine(), await client.readLine()]).toStrictEqual(['whole', undefined])
  })

  test('keeps characters whole that come in two pieces', async () => {
    const { client, peer } = await pair()
    const bytes = Buffer.from('€\n')
    peer.write(bytes.subarray(0, 1))
    await arrived(client, 1)
    peer.write(bytes.subarray(1))
    expect(await client.readLine()).toBe('€')
  })

  test('a line longer than a chunk', async () => {
    const { client, peer } = await pair()
    peer.end(`${'x'.repeat(500_000)}\nnext\n`)
    expect((await client.readLine())!.length).toBe(500_000)
    expect(await client.readLine()).toBe('next')
  })

  test('ends at a reset too, and does not throw for it', async () => {
    const { client, peer } = await pair()
    const line = client.readLine()
    peer.resetAndDestroy()
    expect(await line).toBeUndefined()
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
  })
})

describe('read', () => {
  test('gives exactly as many bytes, and leaves the rest', async () => {
    const { client, peer } = await pair()
    peer.write('abcdef')
    expect((await client.read(2)).toString()).toBe('ab')
    expect((await client.read(3)).toString()).toBe('cde')
    const pending = client.read(3)
    peer.write('gh!')
    expect((await pending).toString()).toBe('fgh')
    peer.end()
    expect((await client.read(1)).toString()).toBe('!')
  })

  test('gives fewer at the end, then none', async () => {
    const { client, peer } = await pair()
    peer.end('abc')
    expect((await client.read(10)).toString()).toBe('abc')
    expect((await client.read(10)).length).toBe(0)
  })

  test('ends at our own reset too: from then on nothing is delivered', async () => {
    const { client, peer } = await pair()
    peer.write('here')
    await arrived(client, 4)
    const reset = client.reset()
    expect((await client.read(4)).length).toBe(0)
    expect(await client.readLine()).toBeUndefined()
    await reset
  })

  test('of megabytes, in one piece', async () => {
    const { client, peer } = await pair()
    const data = Buffer.alloc(5 * 2 ** 20, 'netgrace')
    peer.end(data)
    expect(data.equals(await client.read(data.length))).toBe(true)
  })
})

describe('readToEnd', () => {
  test('gives everything', async () => {
    const { client, peer } = await pair()
    const all = client.readToEnd()
    peer.write('abc')
    await arrived(client, 3)
    peer.end('def')
    expect((await all).toString()).toBe('abcdef')
    expect((await client.readToEnd()).length).toBe(0)
  })

  test('gives what came before a reset', async () => {
    const { client, peer } = await pair()
    peer.write('abc')
    await arrived(client, 3)
    peer.resetAndDestroy()
    expect((await client.readToEnd()).toString()).toBe('abc')
  })
})

describe('ask', () => {
  test('sends a line and gives the line that answers it', async () => {
    const { client, peer } = await pair()
    const answer = client.ask('what?')
    expect(((await once(peer, 'data')) as [Buffer])[0].toString()).toBe('what?\n')
    peer.write('that\r\n')
    expect(await answer).toBe('that')
  })

  test('several at once are answered in their order', async () => {
    const client = await dial(await echo())
    expect(await Promise.all(['a', 'b', 'c'].map((line) => client.ask(line)))).toStrictEqual(['a', 'b', 'c'])
  })

  test.each<[how: string, end: (peer: net.Socket) => void, ending: object]>([
    ['an end', (peer) => void peer.end(), { kind: 'eof', by: 'peer' }],
    ['a reset', (peer) => void peer.resetAndDestroy(), { kind: 'reset', by: 'peer' }],
    ['an end within the answer', (peer) => void peer.end('hal'), { kind: 'eof', by: 'peer' }],
  ])('rejects with the ending: %s', async (_how, end, ending) => {
    const { client, peer } = await pair()
    const answer = client.ask('what?')
    peer.once('data', () => end(peer))
    const error: unknown = await answer.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConnectionEndedError)
    expect(error).toBeInstanceOf(NetgraceError)
    expect(error).toMatchObject({ code: 'ERR_NETGRACE_CONNECTION_ENDED', ending })
    expect((error as Error).message).toContain('what?')
  })

  test('rejects at our own reset', async () => {
    const { client } = await pair()
    const answer = expect(client.ask('what?')).rejects.toMatchObject({ ending: { kind: 'reset', by: 'local' } })
    await client.reset()
    await answer
  })

  test('rejects when the connection is over already', async () => {
    const { client, peer } = await pair()
    peer.end()
    await client.ended
    await expect(client.ask('what?')).rejects.toMatchObject({ ending: { kind: 'eof', by: 'peer' } })
  })
})

describe('reads that wait at the same time', () => {
  test('are served in the order in which they were asked for', async () => {
    const { client, peer } = await pair()
    const reads = [client.readLine(), client.read(3), client.readLine(), client.readToEnd()]
    peer.write('li')
    await arrived(client, 2)
    peer.write('ne\nabcde')
    await arrived(client, 10)
    peer.end('f\nrest')
    expect((await Promise.all(reads)).map(String)).toStrictEqual(['line', 'abc', 'def', 'rest'])
  })

  test('all end at the end', async () => {
    const { client, peer } = await pair()
    const reads = [client.read(2), client.readLine(), client.readLine(), client.readToEnd()]
    peer.end('abc')
    expect((await Promise.all(reads)).map(String)).toStrictEqual(['ab', 'c', 'undefined', ''])
  })

  test('one that gives up leaves its bytes to the next', async () => {
    const { client, peer } = await pair()
    const controller = new AbortController()
    const given = client.read(5, { signal: controller.signal })
    const line = client.readLine()
    peer.write('abc')
    await arrived(client, 3)
    controller.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    peer.write('\n')
    expect(await line).toBe('abc')
  })
})

describe('every wait can be bounded', () => {
  const waits: Array<[name: string, wait: (client: Client, options: { withinMs?: number; signal?: AbortSignal }) => Promise<unknown>]> = [
    ['readLine', (client, options) => client.readLine(options)],
    ['read', (client, options) => client.read(100, options)],
    ['readToEnd', (client, options) => client.readToEnd(options)],
    ['ask', (client, options) => client.ask('?', options)],
    ['send', (client, options) => client.send(Buffer.alloc(32 * 2 ** 20), options)],
  ]

  test.each(waits)('%s gives up in time, with ERR_NETGRACE_TIMEOUT', async (_name, wait) => {
    const { client, peer } = await pair()
    peer.pause()
    const before = performance.now()
    await expect(wait(client, { withinMs: 30 })).rejects.toMatchObject(TIMEOUT)
    expect(performance.now() - before).toBeGreaterThanOrEqual(25)
  })

  test.each(waits)("%s gives up with the signal's reason, and takes its listener off", async (_name, wait) => {
    const { client, peer } = await pair()
    peer.pause()
    const controller = new AbortController()
    const reason = new Error('enough')
    const waiting = wait(client, { signal: controller.signal })
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    expect(getEventListeners(controller.signal, 'abort')).toStrictEqual([])
  })

  test.each(waits)('%s does not even begin under an aborted signal', async (_name, wait) => {
    const { client, peer } = await pair()
    peer.resume()
    const reason = new Error('too late')
    await expect(wait(client, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await turns(5)
    expect(peer.bytesRead).toBe(0)
  })

  test('a wait that succeeds takes its listener off too', async () => {
    const client = await dial(await echo())
    const { signal } = new AbortController()
    for (let n = 0; n < 20; n++) await client.ask('x', { signal, withinMs: 1000 })
    expect(getEventListeners(signal, 'abort')).toStrictEqual([])
  })

  test('twenty waits on one signal are no leak that Node would warn of', async () => {
    const warnings: string[] = []
    const warned = (warning: Error): void => void warnings.push(warning.name)
    process.on('warning', warned)
    const controller = new AbortController()
    const pairs = await Promise.all(Array.from({ length: 20 }, () => pair()))
    const waiting = pairs.map(({ client }) => expect(client.readLine({ signal: controller.signal })).rejects.toThrow('enough'))
    await turns(2)
    controller.abort(new Error('enough'))
    await Promise.all(waiting)
    process.off('warning', warned)
    expect(warnings).toStrictEqual([])
  })

  test('one wait that is over leaves the signal to the others', async () => {
    const controller = new AbortController()
    const [first, second] = [await pair(), await pair()]
    const line = first.client.readLine({ signal: controller.signal })
    const other = expect(second.client.readLine({ signal: controller.signal })).rejects.toThrow('enough')
    first.peer.write('line\n')
    expect(await line).toBe('line')
    controller.abort(new Error('enough'))
    await other
  })

  test('0 ms is a deadline too, but what is there already is given', async () => {
    const { client, peer } = await pair()
    peer.write('line\n')
    await arrived(client, 5)
    expect(await client.readLine({ withinMs: 0 })).toBe('line')
    await expect(client.readLine({ withinMs: 0 })).rejects.toMatchObject(TIMEOUT)
  })

  test('nothing that arrived is lost by giving up', async () => {
    const { client, peer } = await pair()
    peer.write('par')
    await arrived(client, 3)
    await expect(client.readLine({ withinMs: 5 })).rejects.toMatchObject(TIMEOUT)
    await expect(client.read(10, { withinMs: 5 })).rejects.toMatchObject(TIMEOUT)
    await expect(client.readToEnd({ withinMs: 5 })).rejects.toMatchObject(TIMEOUT)
    peer.write('tial\n')
    expect(await client.readLine()).toBe('partial')
  })

  test('an answer that comes too late is the next line', async () => {
    const { client, peer } = await pair()
    await expect(client.ask('?', { withinMs: 5 })).rejects.toMatchObject(TIMEOUT)
    peer.write('late\n')
    expect(await client.readLine()).toBe('late')
  })

  test('a send that gives up is sent all the same', async () => {
    const { client, peer } = await pair()
    const data = Buffer.alloc(16 * 2 ** 20, 'x')
    peer.pause()
    await expect(client.send(data, { withinMs: 5 })).rejects.toMatchObject(TIMEOUT)
    client.halfClose()
    expect((await textOf(peer)).length).toBe(data.length)
  })
})

describe('iteration', () => {
  test('gives the chunks as they come, and is over at the end', async () => {
    const { client, peer } = await pair()
    peer.end('abcdef')
    let text = ''
    for await (const chunk of client) text += chunk.toString()
    expect(text).toBe('abcdef')
  })

  test('is over at a reset too, and does not throw for it', async () => {
    const { client, peer } = await pair()
    peer.write('abc')
    let text = ''
    for await (const chunk of client) {
      text += chunk.toString()
      peer.resetAndDestroy()
    }
    expect(text).toBe('abc')
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
  })

  test('left early closes nothing and loses nothing', async () => {
    const { client, peer } = await pair()
    peer.write('first')
    for await (const chunk of client) {
      expect(chunk.toString()).toBe('first')
      break
    }
    peer.write('second\n')
    expect(await client.readLine()).toBe('second')
    const back = once(peer, 'data') as Promise<[Buffer]>
    await client.send('still here')
    expect((await back)[0].toString()).toBe('still here')
  })

  test('can be taken up again', async () => {
    const { client, peer } = await pair()
    let text = ''
    peer.write('a')
    for await (const chunk of client) {
      text += chunk.toString()
      break
    }
    peer.end('b')
    for await (const chunk of client) text += chunk.toString()
    expect(text).toBe('ab')
  })

  test('of a whole answer after a half-close loses none of it', async () => {
    const { client, peer } = await pair()
    const answer = Buffer.alloc(2 ** 20, 'answer')
    peer.on('end', () => peer.end(answer)).resume()
    client.halfClose()
    const chunks: Buffer[] = []
    for await (const chunk of client) chunks.push(chunk)
    expect(answer.equals(Buffer.concat(chunks))).toBe(true)
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'local' })
  })

  test('does not kill the other half: the answer after it arrives whole', async () => {
    const { client, peer } = await pair({ allowHalfOpen: true })
    peer.end('question')
    for await (const chunk of client) void chunk
    const text = textOf(peer)
    await client.send(Buffer.alloc(2 ** 20, 'x'))
    client.halfClose()
    expect((await text).length).toBe(2 ** 20)
  })
})

describe('a slow reader', () => {
  test('paused, takes nothing from the kernel until it resumes, and loses nothing', async () => {
    const { client, peer } = await pair()
    client.pause()
    const data = Buffer.alloc(64 * 2 ** 20, 'x')
    peer.end(data)
    const all = client.readToEnd()
    await turns(200)
    expect(client.socket.bytesRead).toBeLessThanOrEqual(65536)
    expect(peer.writableLength).toBeGreaterThan(0)
    client.resume()
    expect((await all).length).toBe(data.length)
  })

  test('reads ahead up to 1 MiB and no further', async () => {
    const { client, peer } = await pair()
    peer.end(Buffer.alloc(16 * 2 ** 20, 'x'))
    await arrived(client, 2 ** 20)
    await turns(200)
    expect(client.socket.bytesRead).toBeLessThanOrEqual(2 ** 20 + 4 * 65536) // whole chunks, and what the socket itself holds
    expect((await client.readToEnd()).length).toBe(16 * 2 ** 20)
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer', bytesRead: 16 * 2 ** 20 })
  })

  test('that has less than that ahead knows of the end without reading', async () => {
    const { client, peer } = await pair()
    peer.end(Buffer.alloc(100_000, 'x'))
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer', bytesRead: 100_000 })
    expect((await client.readToEnd()).length).toBe(100_000)
  })
})

describe('drip', () => {
  test('sends a byte at a time, one each so many ms', async () => {
    const { client, peer } = await pair()
    const before = performance.now()
    client.drip('abcd', { everyMs: 10 })
    const pieces: string[] = []
    peer.on('data', (chunk: Buffer) => pieces.push(chunk.toString()))
    await until(() => pieces.join('').length === 4)
    expect(pieces).toStrictEqual(['a', 'b', 'c', 'd'])
    expect(performance.now() - before).toBeGreaterThanOrEqual(25)
  })

  test('sends bytes, not characters', async () => {
    const { client, peer } = await pair()
    client.drip('€', { everyMs: 1 })
    await until(() => (peer.bytesRead === 0 && peer.read() !== null) || peer.bytesRead > 0)
    peer.resume()
    await until(() => peer.bytesRead === 3)
  })

  test('stops when it is disposed, and the connection goes on', async () => {
    const { client, peer } = await pair()
    let text = ''
    peer.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const dripping = client.drip('a'.repeat(1000), { everyMs: 1 })
    await until(() => text.length >= 3)
    dripping[Symbol.dispose]()
    await client.send('!')
    client.halfClose()
    await once(peer, 'end')
    expect(text).toMatch(/^a{3,999}!$/)
  })

  test('leaves nothing on the socket when it is over', async () => {
    const { client, peer } = await pair()
    peer.resume()
    client.drip('a', { everyMs: 1 })[Symbol.dispose]()
    const before = client.socket.listenerCount('close')
    for (let n = 0; n < 5; n++) client.drip('abc', { everyMs: 1 })[Symbol.dispose]()
    expect(client.socket.listenerCount('close')).toBe(before)
  })

  test('stops at the end of the connection, quietly', async () => {
    const { client, peer } = await pair()
    client.drip('a'.repeat(1000), { everyMs: 1 })
    peer.once('data', () => peer.resetAndDestroy())
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
    expect((await client.ended).bytesWritten).toBeLessThan(1000)
  })
})

describe('ending it', () => {
  test('halfClose sends FIN and goes on reading', async () => {
    const { client, peer } = await pair()
    peer.resume()
    client.halfClose()
    await once(peer, 'end')
    peer.write('one\n')
    expect(await client.readLine()).toBe('one')
    peer.end('two\n')
    expect(await client.readLine()).toBe('two')
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'local' })
  })

  test('halfClose goes out behind what was sent', async () => {
    const { client, peer } = await pair()
    void client.send(Buffer.alloc(4 * 2 ** 20, 'x')).catch(() => {})
    client.halfClose()
    expect((await textOf(peer)).length).toBe(4 * 2 ** 20)
  })

  test('halfClose twice is as once', async () => {
    const { client, peer } = await pair()
    client.halfClose()
    client.halfClose()
    peer.end()
    expect(await client.ended).toMatchObject({ kind: 'eof' })
    client.halfClose()
  })

  test("close sends FIN, discards what still comes, and resolves at the peer's FIN", async () => {
    const { client, peer } = await pair()
    peer.on('end', () => peer.end(Buffer.alloc(8 * 2 ** 20))).resume()
    expect(await client.close()).toMatchObject({ kind: 'eof', by: 'local' })
    await closed(peer)
    expect(peer.bytesWritten).toBe(8 * 2 ** 20)
  })

  test('close ends the reads that wait', async () => {
    const { client, peer } = await pair()
    peer.on('end', () => peer.end()).resume()
    const line = client.readLine()
    await client.close()
    expect(await line).toBeUndefined()
  })

  test('close gives up when the peer does not answer', async () => {
    const { client } = await pair({ closeTimeoutMs: 40 })
    const before = performance.now()
    expect(await client.close()).toMatchObject({ kind: 'timeout', by: 'local', phase: 'open' })
    expect(performance.now() - before).toBeGreaterThanOrEqual(35)
    expect(client.socket.destroyed).toBe(true)
  })

  test('close twice, and after the end, gives the same ending', async () => {
    const { client, peer } = await pair()
    peer.on('end', () => peer.end()).resume()
    const [first, second] = await Promise.all([client.close(), client.close()])
    expect(second).toStrictEqual(first)
    expect(await client.close()).toStrictEqual(first)
    expect(await client.reset()).toStrictEqual(first)
    expect(await client.ended).toStrictEqual(first)
  })

  test('close of one whose peer has ended already', async () => {
    const { client, peer } = await pair()
    peer.end()
    await client.readToEnd()
    expect(await client.close()).toMatchObject({ kind: 'eof', by: 'peer' })
  })

  test('reset right after the last byte was read settles all the same', async () => {
    const { client, peer } = await pair()
    const before = openSockets()
    peer.end('x')
    await client.readToEnd()
    expect((await client.reset()).kind).toMatch(/^(eof|reset)$/)
    expect(openSockets()).toBe(before - 1)
  }, 5000)

  test('reset right after a half-close settles too, and leaves nothing open', async () => {
    const { client } = await pair()
    const before = openSockets()
    client.halfClose()
    expect(await client.reset()).toMatchObject({ kind: 'reset', by: 'local' })
    expect(openSockets()).toBe(before - 1)
  }, 5000)

  test('close right after a reset settles with the reset', async () => {
    const { client } = await pair()
    await client.send('x')
    const [reset, close] = await Promise.all([client.reset(), client.close()])
    expect(reset).toMatchObject({ kind: 'reset', by: 'local' })
    expect(close).toStrictEqual(reset)
  })

  test('reset while it is closing makes an end of it', async () => {
    const { client } = await pair({ closeTimeoutMs: 60_000 })
    const closing = client.close()
    expect(await client.reset()).toMatchObject({ kind: 'reset', by: 'local' })
    expect(await closing).toMatchObject({ kind: 'reset', by: 'local' })
  }, 5000)

  test('reset sends RST: the peer sees no end', async () => {
    const { client, peer } = await pair()
    const events = eventsOf(peer)
    expect(await client.reset()).toMatchObject({ kind: 'reset', by: 'local', certain: true })
    expect(await events).toStrictEqual(['ECONNRESET', 'close'])
  })

  // It waits a little there, which a peer that is not scheduled meanwhile outsleeps: without that wait most are clean ends.
  test('reset right behind data is no clean end for a plain peer, on any Node', async () => {
    const bare = await bareServer(() => {}, { allowHalfOpen: false })
    let ends = 0
    for (let n = 0; n < 50; n++) {
      const client = await dial(bare)
      const events = eventsOf(await bare.socket())
      void client.send(Buffer.alloc(1 + n * 100, 'x')).catch(() => {})
      await client.reset()
      if ((await events).includes('end')) ends += 1
    }
    expect(ends).toBeLessThan(10)
  })

  test('from a reset on nothing more is sent', async () => {
    const { client, peer } = await pair()
    let bytes = 0
    peer.on('data', (chunk: Buffer) => (bytes += chunk.length))
    await client.send('abc')
    const reset = client.reset()
    await expect(client.send('def')).rejects.toBeInstanceOf(ConnectionEndedError)
    await reset
    await closed(peer)
    expect(bytes).toBeLessThanOrEqual(3)
  })

  test('disposing closes', async () => {
    const { client, peer } = await pair()
    peer.on('end', () => peer.end()).resume()
    await client[Symbol.asyncDispose]()
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'local' })
  })

  test('disposing what has ended resolves', async () => {
    const { client } = await pair()
    await client.reset()
    await client[Symbol.asyncDispose]()
    expect(await client.ended).toMatchObject({ kind: 'reset', by: 'local' })
  })
})

describe('endsWithin', () => {
  test('gives the ending', async () => {
    const { client, peer } = await pair()
    const ends = client.endsWithin(5000)
    peer.end()
    expect(await ends).toMatchObject({ kind: 'eof', by: 'peer' })
    expect(await client.endsWithin(0)).toMatchObject({ kind: 'eof' })
  })

  test('rejects when it has not ended, with what the connection was doing, and closes nothing', async () => {
    const { client, peer } = await pair()
    const line = client.readLine()
    const error: unknown = await client.endsWithin(20).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject(TIMEOUT)
    expect((error as Error).message).toContain('20 ms')
    expect((error as Error).message).toContain(formatEndpoint(client.peer))
    peer.write('alive\n')
    expect(await line).toBe('alive')
  })
})

test('the signal of a connection has no listener of ours on it once that has ended', async () => {
  const { signal } = new AbortController()
  const { client, peer } = await pair({ signal })
  expect(getEventListeners(signal, 'abort').length).toBe(1)
  peer.end()
  await client.ended
  expect(getEventListeners(signal, 'abort')).toStrictEqual([])
})

test('a client that reads by its socket sees everything and its end', async () => {
  const { client, peer } = await pair()
  const text = textOf(client.socket)
  peer.end('by hand')
  expect(await text).toBe('by hand')
  expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer', bytesRead: 7 })
})

test('`ended` never rejects, and nothing is unhandled, when nobody looks', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  const { client, peer } = await pair()
  peer.resetAndDestroy()
  await closed(client.socket)
  await turns(5)
  process.off('unhandledRejection', note)
  expect(unhandled).toStrictEqual([])
})
