import { expect, test } from 'vitest'

import { framesOf } from '../../src/timeline/frames.ts'

const ROOT = new URL('../../', import.meta.url)

test.each([
  [
    'at openUpstream (/app/src/gateway.ts:41:18)',
    { file: '/app/src/gateway.ts', line: 41, column: 18, function: 'openUpstream', whose: 'user' },
  ],
  ['at async file:///app/test/a%20b.test.ts?v=12:3:4', { file: '/app/test/a b.test.ts', line: 3, column: 4, function: '', whose: 'user' }],
  ['at async Promise.all (index 0)', undefined],
  ['at new Promise (<anonymous>)', undefined],
  ['at new Pool (/app/pool.js:1:2)', { function: 'new Pool', whose: 'user' }],
  ['at Server.setup [as _listen2] (node:net:1883:14)', { file: 'node:net', function: 'Server.setup', whose: 'node' }],
  ['at Object.<anonymous> (/app/a (copy).js:1:2)', { file: '/app/a (copy).js', line: 1, function: '' }],
  ['at eval (eval at run (/app/a.js:5:6), <anonymous>:1:2)', { file: '/app/a.js', line: 5, column: 6, whose: 'user' }],
  ['at connect (/app/node_modules/.pnpm/pg@8.1.0/node_modules/pg/lib/client.js:1:2)', { whose: 'package', package: { name: 'pg' } }],
  ['at go (/app/node_modules/@grpc/grpc-js/build/a.js:1:2)', { whose: 'package', package: { name: '@grpc/grpc-js' } }],
  ['at run (/app/node_modules/@vitest/runner/dist/a.js:1:2)', { whose: 'runner' }],
  [`at connect (${new URL('src/client/connect.ts', ROOT).href}:1:2)`, { whose: 'ours' }],
  [`at connect (${new URL('dist/client/connect.js', ROOT).href}:1:2)`, { whose: 'ours' }],
  [`at own (${new URL('test/own.ts', ROOT).href}:1:2)`, { whose: 'user' }],
])('%s', (text, expected) => {
  const frames = framesOf({ stack: `Error\n    ${text}` })
  if (expected) expect(frames).toMatchObject([expected])
  else expect(frames).toEqual([])
})

test('a stack that prepareStackTrace made a list, or refuses, is no error', () => {
  expect(framesOf({ stack: ['run (/app/a.js:1:2)'] } as never)).toMatchObject([{ file: '/app/a.js', function: 'run' }])
  const broken = {
    get stack(): string {
      throw new Error('prepareStackTrace')
    },
  }
  expect(framesOf(broken)).toEqual([])
  expect(framesOf(undefined)).toEqual([])
})
