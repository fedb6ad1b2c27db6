import { once } from 'node:events'
import type net from 'node:net'

import { describe, expect, test } from 'vitest'

import { type Client, type ConnectOptions, handlers } from '../../src/index.ts'
import { bareServer, closed, turns, until } from '../support.ts'
import { dial, serve } from './parts.ts'

async function pair(options?: ConnectOptions): Promise<{ client: Client; peer: net.Socket }> {
  const bare = await bareServer()
  const client = await dial(bare, options)
  return { client, peer: await bare.socket() }
}

const arrived = (client: Client, bytes: number): Promise<void> => until(() => client.socket.bytesRead >= bytes)

describe('a read that gives up', () => {
  test('makes way for the next in line, which is served from what is there', async () => {
    const { client, peer } = await pair()
    peer.write('abc')
    await arrived(client, 3)
    const line = client.readLine({ withinMs: 20 })
    const bytes = client.read(3)
    await expect(line).rejects.toMatchObject({ code: 'ERR_NETGRACE_TIMEOUT' })
    expect(String(await bytes)).toBe('abc')
  })

  test('makes way for several', async () => {
    const { client, peer } = await pair()
    const line = client.readLine({ withinMs: 20 })
    const reads = [client.read(2), client.read(1), client.readLine()]
    peer.write('abcdef')
    await expect(line).rejects.toMatchObject({ code: 'ERR_NETGRACE_TIMEOUT' })
    peer.end('\n')
    expect((await Promise.all(reads)).map(String)).toStrictEqual(['ab', 'c', 'def'])
  })

  test('in the very callback in which it is served is given what it took, and the others stay in line', async () => {
    const { client, peer } = await pair()
    const controller = new AbortController()
    const first = client.read(3, { signal: controller.signal })
    const second = client.read(3)
    client.socket.emit('data', Buffer.from('abc')) // as Node does when bytes come
    controller.abort(new Error('enough'))
    expect(String(await first)).toBe('abc')
    peer.write('def')
    expect(String(await second)).toBe('def')
  })

  test('is not waited for any more, as far as a story tells', async () => {
    const { client } = await pair()
    await expect(client.readLine({ withinMs: 5 })).rejects.toThrow(/waiting for a line/)
    await expect(client.endsWithin(5)).rejects.toThrow(/^(?!.*waiting for).*$/s)
  })

  test('leaves the story to the one that is next in line', async () => {
    const { client } = await pair()
    const next = client.read(7)
    await expect(client.readLine({ withinMs: 5 })).rejects.toThrow(/waiting for 7 bytes/)
    await expect(client.endsWithin(5)).rejects.toThrow(/waiting for 7 bytes/)
    await client.reset()
    expect(await next).toHaveLength(0)
  })

  test('takes no more from the kernel than is read ahead', async () => {
    const { client, peer } = await pair()
    peer.write(Buffer.alloc(16 * 2 ** 20))
    await expect(client.read(2 ** 26, { withinMs: 50 })).rejects.toMatchObject({ code: 'ERR_NETGRACE_TIMEOUT' })
    await until(() => client.socket.bytesRead >= 2 ** 20)
    expect(client.socket.isPaused()).toBe(true)
  })
})

describe('what was read ahead', () => {
  test('is pumped on, and then all that comes: a handler that reads a line and echoes the rest', async () => {
    const rest = Buffer.alloc(3 * 2 ** 20, 'x')
    const server = await serve(async (connection, quit) => {
      await connection.readLine()
      await until(() => connection.socket.isPaused()) // it has read ahead as far as it does
      return handlers.echo()(connection, quit)
    })
    const client = await dial(server, { allowHalfOpen: true })
    await client.send('a line\n')
    const sending = client.send(rest)
    expect((await client.read(rest.length)).equals(rest)).toBe(true)
    await sending
  })

  test('is handed to whoever listens to the socket, with what is still to come', async () => {
    const { client, peer } = await pair()
    const data = Buffer.alloc(3 * 2 ** 20, 'x')
    peer.end(data)
    await until(() => client.socket.isPaused())
    let bytes = 0
    client.socket.on('data', (chunk: Buffer) => (bytes += chunk.length))
    await once(client.socket, 'end')
    expect(bytes).toBe(data.length)
  })
})

describe('listening to the socket after the FIN of the peer', () => {
  test.each([true, false])('loses nothing, and hears the end (allowHalfOpen: %s)', async (allowHalfOpen) => {
    const { client, peer } = await pair({ allowHalfOpen })
    const errors: Error[] = []
    client.socket.on('error', (error) => errors.push(error))
    const early: string[] = []
    client.socket.on('end', () => early.push('end'))
    peer.resume().end('hello')
    await until(() => client.socket.readableEnded)
    if (!allowHalfOpen) await closed(client.socket)
    const heard: string[] = []
    client.socket.on('data', (chunk: Buffer) => heard.push(chunk.toString())).on('end', () => heard.push('end'))
    await turns(5)
    expect(heard).toStrictEqual(['hello', 'end'])
    expect(early).toStrictEqual(['end'])
    expect(errors).toStrictEqual([])
    expect(await client.readLine()).toBeUndefined()
    client.halfClose()
    expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer' })
  })

  test('a listener to `readable`, which can be given nothing, leaves it to the methods', async () => {
    const { client, peer } = await pair({ allowHalfOpen: true })
    peer.resume().end('hello\n')
    await until(() => client.socket.readableEnded)
    client.socket.on('readable', () => {})
    await turns(5)
    expect(await client.readLine()).toBe('hello')
  })
})

describe('send', () => {
  test("after the user's own socket.end() is refused at once", async () => {
    const server = await serve(handlers.silent())
    const client = await dial(server)
    client.socket.end()
    await expect(client.send('x')).rejects.toMatchObject({
      code: 'ERR_NETGRACE_HALF_CLOSED',
      message: expect.stringContaining('socket.end()') as string,
    })
    await expect(client.ask('x')).rejects.toMatchObject({ code: 'ERR_NETGRACE_HALF_CLOSED' })
  })

  test('stays in order with what its user writes to the socket', async () => {
    const { client, peer } = await pair()
    const big = Buffer.alloc(2 ** 20, 'a')
    const sent = client.send(big)
    client.socket.write('b')
    const more = client.send('c')
    client.socket.end()
    let text = ''
    peer.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    await Promise.all([sent, more, once(peer, 'end')])
    expect(text.length).toBe(big.length + 2)
    expect(text.slice(-3)).toBe('abc')
    expect(text.slice(0, -2)).toBe(big.toString())
  })
})

describe('a reset with writes that the system has not taken', () => {
  test.each<[what: string, write: (client: Client) => void]>([
    ['one of 64 MiB', (client) => void client.send(Buffer.alloc(64 * 2 ** 20)).catch(() => {})],
    [
      'five hundred of 64 KiB',
      (client) => {
        for (let n = 0; n < 500; n++) void client.send(Buffer.alloc(65_536)).catch(() => {})
      },
    ],
    ['a line, written to the socket itself', (client) => void client.socket.write('x\n')],
  ])('%s: a plain peer sees a reset, on any Node', async (_what, write) => {
    for (let n = 0; n < 3; n++) {
      const { client, peer } = await pair()
      const seen: string[] = []
      peer.on('end', () => seen.push('end')).on('error', (error: NodeJS.ErrnoException) => seen.push(error.code!))
      peer.resume()
      write(client)
      await turns(3)
      expect(await client.reset()).toMatchObject({ kind: 'reset', by: 'local' })
      peer.end()
      await closed(peer)
      expect(seen).toStrictEqual(['ECONNRESET'])
    }
  })

  test('a peer that does not read holds it up for no longer than that', async () => {
    const { client, peer } = await pair()
    const sending = client.send(Buffer.alloc(64 * 2 ** 20)).catch((error: unknown) => error)
    await turns(20)
    expect(await client.reset()).toMatchObject({ kind: 'reset', by: 'local' })
    expect(await sending).toMatchObject({ code: 'ERR_NETGRACE_CONNECTION_ENDED', ending: { kind: 'reset', by: 'local' } })
    const got = peer.bytesRead
    peer.resume()
    await closed(peer.end())
    expect(peer.bytesRead - got).toBeLessThan(16 * 2 ** 20) // what the system had, and not the rest
  })
})
