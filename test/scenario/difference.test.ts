import { expect, test } from 'vitest'

import { difference } from '../../src/scenario/difference.ts'

test.each([
  ['ping\n', 'PING\n', 'came back as "PING\\n", not "ping\\n"'],
  ['ping\n', 'ping\r\n', 'came back as "ping\\r\\n", not "ping\\n"'],
  [
    `${'a'.repeat(90)}b${'c'.repeat(90)}`,
    `${'a'.repeat(90)}X${'c'.repeat(20)}`,
    `came back different from byte 90: from byte 70 as "${'a'.repeat(20)}X${'c'.repeat(20)}", not "${'a'.repeat(20)}b${'c'.repeat(39)}"…`,
  ],
])('%j against %j', (sent, reply, words) => {
  expect(difference(Buffer.from(sent), Buffer.from(reply))).toBe(words)
})

test('bytes that are no text are shown as bytes: as text both would look alike', () => {
  expect(difference(Buffer.from([0xff, 0x0a]), Buffer.from([0xfe, 0x0a]))).toBe('came back as 0xfe0a, not 0xff0a')
})

test('a message of megabytes does not become a message of megabytes', () => {
  expect(difference(Buffer.alloc(5e6, 'a'), Buffer.alloc(5e6, 'b')).length).toBeLessThan(250)
})
