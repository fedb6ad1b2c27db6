import { expect, test } from 'vitest'

import { formatMs, parseDuration, parseMs } from '../../src/cli/duration.ts'

test.each([
  ['500ms', 500],
  ['3s', 3000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['0', 0],
  ['0.5ms', 0.5],
  ['2147483647ms', 2_147_483_647],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '100', 'ms', '-1s', '1 s', '1S', '1e3ms', '.5s', '5.s', '2147483648ms', '25h25', '600h', 'Infinityms', 'NaN'])(
  '%j is no duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined()
  },
)

test.each([
  ['1.5', 1.5],
  ['20', 20],
  ['0', 0],
  ['1.5s', 1500],
  ['100ms', 100],
])('%s is %i ms where a number alone is one of milliseconds', (text, ms) => {
  expect(parseMs(text)).toBe(ms)
})

test.each(['', '1.', '.5', '-1', '1e3', '1.5.2'])('%j is no such number', (text) => {
  expect(parseMs(text)).toBeUndefined()
})

test.each([
  [0.1234, '0.12 ms'],
  [9.994, '9.99 ms'],
  [9.996, '10.0 ms'],
  [99.94, '99.9 ms'],
  [99.96, '100 ms'],
  [9999, '9999 ms'],
  [9999.6, '10.0 s'],
  [123_456, '123 s'],
  [NaN, '–'],
])('%d ms reads %s', (ms, text) => {
  expect(formatMs(ms)).toBe(text)
})
