import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { quoted, visible } from '../../src/model/visible.ts'

test.each([
  ['ESC', '\u001B[31m', '\\u001b[31m'],
  ['BEL, backspace, carriage return', 'a\u0007\b\r', 'a\\u0007\\u0008\\u000d'],
  ['DEL', '\u007F', '\\u007f'],
  ['C1: CSI, NEL, OSC', '\u009B2J\u0085\u009D', '\\u009b2J\\u0085\\u009d'],
  ['bidirectional marks, embeddings, overrides and isolates', '\u200E\u061C\u202E\u2066', '\\u200e\\u061c\\u202e\\u2066'],
  ['zero width and invisible characters', '\u200B\u2060\uFEFF\u00AD', '\\u200b\\u2060\\ufeff\\u00ad'],
  ['tags, beyond the first plane', '\u{E0041}', '\\udb40\\udc41'],
  ['separators of lines and paragraphs', '\u2028\u2029', '\\u2028\\u2029'],
  ['half a character', '\uD800', '\\ud800'],
])('%s is written, not obeyed', (_what, text, shown) => {
  expect(visible(text)).toBe(shown)
})

test('letters of any language, newlines and tabs are shown as they are', () => {
  const text = 'a ü 漢 العربية 👍 ñ\n\tend'
  expect(visible(text)).toBe(text)
})

test('what is quoted is one line of JSON that gives the text again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = quoted(text)
      expect(JSON.parse(shown)).toBe(text)
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
    }),
  )
})
