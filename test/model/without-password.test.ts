import { describe, expect, test } from 'vitest'

import { endpointOf } from '../../src/model/endpoint.ts'
import { got } from '../../src/model/invalid.ts'
import { withoutPassword } from '../../src/model/without-password.ts'

test.each([
  ['redis://:secret@127.0.0.1:6379/2', 'redis://:***@127.0.0.1:6379/2'],
  ['postgres://me:se@cret@db.test/shop', 'postgres://me:***@db.test/shop'],
  ['postgres://me:se/cr#et@db.test/shop', 'postgres://me:***@db.test/shop'],
  ['me:secret@db.test:5432', 'me:***@db.test:5432'],
  ['jdbc:postgresql://db.test/x?user=me&password=secret&ssl=true', 'jdbc:postgresql://db.test/x?user=me&password=***&ssl=true'],
  ['proxy redis://:secret@a:1 is down', 'proxy redis://:***@a:1 is down'],
  ['http://127.0.0.1:80/a?b=c', 'http://127.0.0.1:80/a?b=c'],
  ['127.0.0.1:80', '127.0.0.1:80'],
  ['[::1]:80', '[::1]:80'],
  ['me@db.test', 'me@db.test'],
])('%s stands in a message as %s', (text, shown) => {
  expect(withoutPassword(text)).toBe(shown)
})

describe('no message about an address has its password', () => {
  test.each<[what: string, address: unknown]>([
    ['a URL without a port', 'gopher://me:secret@127.0.0.1'],
    ['a URL object without a port', new URL('gopher://me:secret@127.0.0.1')],
    ['no URL', 'redis://:secret@[nonsense'],
    ['a password with a slash', 'redis://me:sec/secret@127.0.0.1:1'],
    ['no scheme', 'me:secret@127.0.0.1'],
    ['several hosts', 'mongodb://me:secret@a:1,b:2/db'],
    ['a port out of range', 'redis://:secret@127.0.0.1:0'],
    ['a query', 'sqlserver:127.0.0.1;user=me;password=secret'],
    ['parts of a URL', { protocol: 'gopher:', hostname: 'a', auth: 'me:secret', href: 'gopher://me:secret@a' }],
    ['options of a driver', { host: 'a', user: 'me', password: 'secret' }],
  ])('%s', (_what, address) => {
    expect(() => endpointOf(address as string)).toThrow(/^(?!.*secret).*$/)
  })
})

test('nor has any other message that shows what came', () => {
  for (const value of [
    'redis://:secret@a:1',
    new URL('redis://:secret@a:1'),
    { url: 'redis://:secret@a:1' },
    [new URL('redis://:secret@a:1')],
  ])
    expect(got(value)).not.toContain('secret')
})
