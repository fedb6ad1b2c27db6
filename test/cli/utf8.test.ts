import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { Utf8 } from '../../src/cli/utf8.ts'

function pieces(chunks: readonly Uint8Array[]): string[] {
  const text = new Utf8()
  return [...chunks.map((chunk) => text.push(chunk)), text.rest()]
}

test('a byte order mark is kept, and a character that was never finished is told', () => {
  expect(pieces([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('abc'), Buffer.from([0x64, 0xe2, 0x82])])).toEqual([
    '\uFEFF',
    'abc',
    'd',
    '\uFFFD',
  ])
})

test('the two halves of a line\u2019s end come together, one alone comes at the end', () => {
  expect(pieces([Buffer.from('a\r'), Buffer.from('\nb\r'), Buffer.from('c\r')])).toEqual(['a', '\r\nb', '\rc', '\r'])
})

test('however text is cut, it is the same text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat({ max: 40 })), (text, cuts) => {
      const bytes = Buffer.from(`\uFEFF${text}\r\n`)
      const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
      const chunks = at.slice(1).map((end, n) => bytes.subarray(at[n], end))
      expect(pieces(chunks).join('')).toBe(bytes.toString())
    }),
  )
})
