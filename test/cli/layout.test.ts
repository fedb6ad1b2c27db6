import { expect, test } from 'vitest'

import { columns, fitted, labelled, ranges } from '../../src/cli/layout.ts'

test('columns are aligned to the right, named ones to the left, colours do not count', () => {
  const red = '\u001B[31m7\u001B[39m'
  expect(
    columns(
      [
        ['n', 'name'],
        [red, 'a'],
        ['10', 'bcd'],
      ],
      [1],
    ),
  ).toEqual([' n  name', ` ${red}  a`, '10  bcd'])
})

test('a text is broken at spaces, and goes on below itself', () => {
  expect(labelled('  a: ', 'one two three', 12)).toEqual(['  a: one two', '     three'])
  expect(labelled('', 'one two', 7)).toEqual(['one two'])
  expect(labelled('- ', 'averylongword b', 5)).toEqual(['- averylongword', '  b'])
  expect(labelled('x ', 'one two', Infinity)).toEqual(['x one two'])
})

test('a text is fitted line by line, and a list keeps its columns', () => {
  expect(fitted('  one    how many of them\n\nThat is all of it.\n', 20)).toBe(
    '  one    how many of\n         them\n\nThat is all of it.\n',
  )
  expect(fitted('  - a b c d\n', 8)).toBe('  - a b\n  c d\n')
  expect(fitted('  --to <n>  one two three\n', 19)).toBe('  --to <n>  one two\n            three\n')
})

test.each([
  [[1], '#1'],
  [[1, 2, 3, 4, 7], '#1–#4, #7'],
  [[2, 4], '#2, #4'],
  [[8, 9], '#8–#9'],
])('%j reads %s', (ids, text) => {
  expect(ranges(ids)).toBe(text)
})
