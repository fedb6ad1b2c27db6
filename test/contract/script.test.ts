import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { handlers } from '../../src/index.ts'
import { bytesOfText, wholeBytes } from '../../src/server/handlers/utf8.ts'
import { turns } from '../support.ts'
import { dial, serve } from './parts.ts'

describe('a pattern behind bytes that are no UTF-8', () => {
  test.each<[what: string, head: Buffer]>([
    ['nothing', Buffer.from([])],
    ['bytes that go on where nothing began', Buffer.from([0x80, 0xff])],
    ['every byte there is', Buffer.from(Array.from({ length: 256 }, (_, n) => n))],
    ['the beginnings of characters', Buffer.from([0xc3, 0xe2, 0x82, 0xf0, 0x9f, 0x98, 0xed, 0xa0, 0x80, 0xf4, 0x90, 0xc0, 0xaf])],
    ['characters of one to four bytes, and the one that stands for what is none', Buffer.from('a é € 😀 \uFFFD \uFEFF')],
    ['both', Buffer.concat([Buffer.from('é'), Buffer.from([0xe2, 0x82]), Buffer.from('😀'), Buffer.from([0xff])])],
  ])('%s: the next step begins right behind the match', async (_what, head) => {
    const server = await serve(
      handlers.script([
        { expect: /PING\r\n/, send: '+PONG\r\n' },
        { expect: Buffer.from([0xff, 0x00]) },
        { expect: 'NEXT\r\n', send: '+OK\r\n' },
        { expect: /€$/, send: 'done\r\n' },
      ]),
    )
    const client = await dial(server)
    await client.send(Buffer.concat([head, Buffer.from('PING\r\n'), Buffer.from([0xff, 0x00]), Buffer.from('NEXT\r\n')]))
    expect([await client.readLine(), await client.readLine()]).toStrictEqual(['+PONG', '+OK'])
    const euro = Buffer.from('€')
    for (const byte of euro) {
      await client.send(Buffer.from([byte]))
      await turns(2)
    }
    expect(await client.readLine()).toBe('done')
    expect((await server.stop()).errors).toStrictEqual([])
  })

  test('the length of any beginning of any text is the length of its bytes', () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.string({ unit: 'binary', maxLength: 4 }).map((text) => new TextEncoder().encode(text)),
      fc.constantFrom(...['\uFFFD', '€', '😀'].flatMap((text) => [1, 2, 3, 4].map((n) => new TextEncoder().encode(text).subarray(0, n)))),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const bytes = Buffer.concat(parts)
        const text = bytes.toString('utf8')
        expect(bytesOfText(bytes, text, text.length)).toBe(bytes.length)
        let chars = 0
        for (const character of text) {
          chars += character.length
          const end = bytesOfText(bytes, text, chars)
          expect(bytes.toString('utf8', 0, end)).toBe(text.slice(0, chars))
          expect(bytes.toString('utf8', end)).toBe(text.slice(chars))
        }
      }),
      { numRuns: 500, seed: 20_130_101 },
    )
  })

  test('a character that is cut is not looked at before its rest has come', () => {
    const text = Buffer.from('a😀')
    for (let length = 1; length < 5; length++) expect(wholeBytes(text.subarray(0, length))).toBe(1)
    expect([
      wholeBytes(text),
      wholeBytes(Buffer.from([0x80, 0x80])),
      wholeBytes(Buffer.from([0xe2, 0x41])),
      wholeBytes(Buffer.alloc(0)),
    ]).toStrictEqual([5, 2, 2, 0])
  })
})

describe('megabytes before what is expected', () => {
  async function tookMs(megabytes: number, expected: RegExp | Buffer): Promise<number> {
    const server = await serve(handlers.script([{ expect: expected, send: 'ok\n' }]))
    const client = await dial(server)
    const startedAt = performance.now()
    await client.send(Buffer.alloc(megabytes << 20, 'x'))
    await client.send('END\n')
    expect(await client.readLine()).toBe('ok')
    const took = performance.now() - startedAt
    expect((await server.stop()).errors).toStrictEqual([])
    return took
  }

  test.each<[what: string, expected: (megabytes: number) => RegExp | Buffer]>([
    ['a pattern', () => /END\n/],
    ['a pattern that looks back', () => /(?<=x{5})END\n$/],
    ['bytes', (megabytes) => Buffer.concat([Buffer.alloc(megabytes << 20, 'x'), Buffer.from('END\n')])],
  ])('%s: sixteen times as many take about sixteen times as long', async (_what, expected) => {
    const few = Math.max(50, await tookMs(1, expected(1)))
    expect(await tookMs(16, expected(16))).toBeLessThan(80 * few) // looking at all of it at each chunk: 256 times
  })

  test('a mismatch behind what a message shows says where it is', async () => {
    const server = await serve(handlers.script([{ expect: `${'x'.repeat(5000)}END` }]))
    const client = await dial(server)
    await client.send(`${'x'.repeat(5000)}BAD`)
    await client.ended
    const [error] = (await server.stop()).errors
    expect(error).toMatchObject({ code: 'ERR_NETGRACE_SCRIPT' })
    expect(error!.message).toMatch(/"x{200}"…, but "x{200}"… came: they differ from byte 5000 on$/)
  })

  test('a peer that sends slowly is answered as soon as it has sent what is expected', async () => {
    const server = await serve(
      handlers.script([
        { expect: /a.*b/s, send: 'ok\n' },
        { expect: 'c', send: 'done\n' },
      ]),
    )
    const client = await dial(server)
    for (const text of ['a', '1', '2', 'b']) {
      await client.send(text)
      await turns(2)
    }
    expect(await client.readLine()).toBe('ok')
    await client.send('c')
    expect(await client.readLine()).toBe('done')
  })
})
