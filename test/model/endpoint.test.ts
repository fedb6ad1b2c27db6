import { resolve } from 'node:path'
import { runInNewContext } from 'node:vm'

import { describe, expect, test } from 'vitest'

import { type Address, bracketed, type Endpoint, endpointOf, formatEndpoint, sameEndpoint } from '../../src/model/endpoint.ts'

/** Shares no class with Node's, as the URL of jsdom or of happy-dom. */
class OtherUrl {
  readonly href: string
  readonly protocol: string
  constructor(href: string) {
    this.href = href
    this.protocol = href.slice(0, href.indexOf(':') + 1)
  }
}

describe('what names a place to connect to', () => {
  test.each<[what: string, address: Address, endpoint: Endpoint]>([
    ['an endpoint', { host: '127.0.0.1', port: 80 }, { host: '127.0.0.1', port: 80 }],
    ['a path', { path: '/tmp/a.sock' }, { path: '/tmp/a.sock' }],
    ['an AddressInfo', { address: '127.0.0.1', family: 'IPv4', port: 8080 }, { host: '127.0.0.1', port: 8080 }],
    ['a server, which has more than host and port', { host: '127.0.0.1', port: 1, url: 'x' } as Endpoint, { host: '127.0.0.1', port: 1 }],
    ['host and port', 'db.test:5432', { host: 'db.test', port: 5432 }],
    ['an IPv6 host and port', '[::1]:5432', { host: '::1', port: 5432 }],
    ['a tcp URL', 'tcp://127.0.0.1:9', { host: '127.0.0.1', port: 9 }],
    ['an IPv6 URL', 'tcp://[::1]:9', { host: '::1', port: 9 }],
    ['a URL with more in it', 'postgres://me:secret@127.0.0.1:5432/shop?x=1', { host: '127.0.0.1', port: 5432 }],
    ['an http URL, whose port may be its own', 'http://127.0.0.1/x', { host: '127.0.0.1', port: 80 }],
    ['an http URL that names the default port', 'http://127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
    ['an https URL', 'https://127.0.0.1', { host: '127.0.0.1', port: 443 }],
    ['a redis URL', 'redis://:secret@127.0.0.1', { host: '127.0.0.1', port: 6379 }],
    ['a postgres URL', 'postgresql://u:p@127.0.0.1/db', { host: '127.0.0.1', port: 5432 }],
    ['a scheme in capitals', 'AMQP://127.0.0.1', { host: '127.0.0.1', port: 5672 }],
    ['a comma in the path', 'mysql://127.0.0.1/a,b', { host: '127.0.0.1', port: 3306 }],
    ['a comma in the password', 'nats://u:a,b@127.0.0.1', { host: '127.0.0.1', port: 4222 }],
    ['an ldaps URL', new URL('ldaps://127.0.0.1'), { host: '127.0.0.1', port: 636 }],
    ['a URL object', new URL('tcp://127.0.0.1:9'), { host: '127.0.0.1', port: 9 }],
    ['host under its other name', { hostname: '127.0.0.1', port: 8080 }, { host: '127.0.0.1', port: 8080 }],
    ['a URL of another realm', runInNewContext('new URL("tcp://127.0.0.1:9")', { URL: OtherUrl }) as URL, { host: '127.0.0.1', port: 9 }],
    ['an absolute path, as the address of a unix server is', '/tmp/a.sock', { path: '/tmp/a.sock' }],
    ['a relative path', './a.sock', { path: resolve('a.sock') }],
    ['a relative path further up', '../a.sock', { path: resolve('../a.sock') }],
    ['a relative path in an endpoint', { path: 'a.sock' }, { path: resolve('a.sock') }],
    ['a relative path behind unix:', 'unix:a.sock', { path: resolve('a.sock') }],
    ['a unix URL', 'unix:///tmp/a%20b.sock', { path: '/tmp/a b.sock' }],
    ['what formatEndpoint writes of a path', 'unix:/tmp/a.sock', { path: '/tmp/a.sock' }],
    ['a wildcard, dialled as loopback', { host: '0.0.0.0', port: 7 }, { host: '127.0.0.1', port: 7 }],
    ['the IPv6 wildcard', { address: '::', family: 'IPv6', port: 7 }, { host: '::1', port: 7 }],
    ['a wildcard in a text', '0.0.0.0:7', { host: '127.0.0.1', port: 7 }],
    ['a wildcard in a URL', 'tcp://[::]:7', { host: '::1', port: 7 }],
    ['the first and the last port', '127.0.0.1:65535', { host: '127.0.0.1', port: 65535 }],
  ])('%s', (_what, address, endpoint) => {
    expect(endpointOf(address)).toStrictEqual(endpoint)
  })
})

describe('what names no place', () => {
  test.each<[what: string, address: unknown, error: typeof TypeError | typeof RangeError, message: RegExp]>([
    ['a host alone', 'localhost', TypeError, /^to must be .*got "localhost"/],
    ['a bare port', '8080', TypeError, /^to must be/],
    ['a number', 8080, TypeError, /^to must be .*got 8080/],
    ['nothing', undefined, TypeError, /got undefined/],
    ['null', null, TypeError, /got null/],
    ['an empty text', '', TypeError, /got ""/],
    ['IPv6 without brackets', '::1:80', TypeError, /got "::1:80"/],
    ['a URL without a port', 'tcp://127.0.0.1', TypeError, /tcp:\/\/127\.0\.0\.1/],
    ['a URL object of a scheme without a port', new URL('gopher://127.0.0.1/x'), TypeError, /gopher/],
    ['several hosts in a URL', 'mongodb://u:p@a:1,b:2/db', TypeError, /^to must be the address of one host .*each host/],
    ['several hosts, of which the last alone has a port', 'mongodb://a,b:2/db', TypeError, /one host/],
    ['several hosts', '127.0.0.1:1,127.0.0.1:2', TypeError, /one host/],
    ['a name that stands for several hosts', 'mongodb+srv://u:p@cluster.test/db', TypeError, /one host/],
    ['something like a URL', 'tcp://[nonsense', TypeError, /nonsense/],
    ['an endpoint without a port', { host: '127.0.0.1' }, TypeError, /^to must be/],
    ['an endpoint without a host', { port: 80 }, TypeError, /^to must be/],
    ['an empty path', { path: '' }, TypeError, /^to\.path must be/],
    ['a path with NUL in it', { path: '/tmp/a\0b' }, TypeError, /^to\.path must be a path without NUL/],
    ['a path that is too long', { path: `/${'x'.repeat(250)}` }, RangeError, /^to\.path must be at most \d+ bytes, .* got 251: "\/xx/],
    ['a path that is too long, as a text', `/${'x'.repeat(250)}`, RangeError, /^to must be at most/],
    ['a path that is too long, as a URL', `unix:///${'x'.repeat(250)}`, RangeError, /^to must be at most/],
    ['a text for a port', { host: '127.0.0.1', port: '80' }, TypeError, /^to\.port must be .*got "80"/],
    ['port 0', { host: '127.0.0.1', port: 0 }, RangeError, /^to\.port must be an integer from 1 to 65535, got 0/],
    ['port 65536', { host: '127.0.0.1', port: 65536 }, RangeError, /got 65536/],
    ['half a port', { host: '127.0.0.1', port: 80.5 }, RangeError, /got 80\.5/],
    ['port 0 in a text', '127.0.0.1:0', RangeError, /port of to .*got 0/],
    ['port 99999 in a text', '127.0.0.1:99999', RangeError, /got 99999/],
  ])('%s', (_what, address, error, message) => {
    const parse = (): unknown => endpointOf(address as Address)
    expect(parse).toThrow(error)
    expect(parse).toThrow(message)
  })

  test.each(['gopher://me:secret@127.0.0.1/shop', 'tcp://me:sec/ret@[', 'tcp://me:s@cret@nowhere', 'me:secret@localhost'])(
    'no message prints the password of %s',
    (address) => {
      expect(() => endpointOf(address)).toThrow(/me:\*\*\*@/)
      expect(() => endpointOf(address)).not.toThrow(/s@?e?c?\/?ret/)
    },
  )

  test('the message names the option that it came for', () => {
    expect(() => endpointOf('nowhere', 'upstream')).toThrow(/^upstream must be/)
  })
})

/** Only Linux has such sockets. */
const ABSTRACT: Endpoint[] = process.platform === 'linux' ? [{ path: '\0a' }] : []

test.each<[endpoint: Endpoint, text: string]>([
  [{ host: '127.0.0.1', port: 80 }, '127.0.0.1:80'],
  [{ host: '::1', port: 80 }, '[::1]:80'],
  [{ path: '/tmp/a.sock' }, 'unix:/tmp/a.sock'],
  [{ path: '\0a' }, 'unix-abstract:a'],
  [{ path: '' }, 'unix:(unnamed)'],
])('%o is written as %s', (endpoint, text) => {
  expect(formatEndpoint(endpoint)).toBe(text)
})

test.each<Endpoint>([{ host: '127.0.0.1', port: 80 }, { host: '::1', port: 80 }, { path: '/tmp/a.sock' }, ...ABSTRACT])(
  'what is written of %o can be read again',
  (endpoint) => {
    expect(endpointOf(formatEndpoint(endpoint))).toStrictEqual(endpoint)
  },
)

test('only an IPv6 host stands in brackets', () => {
  expect([bracketed('::1'), bracketed('127.0.0.1'), bracketed('a.test')]).toStrictEqual(['[::1]', '127.0.0.1', 'a.test'])
})

test.each<[a: Endpoint, b: Endpoint, same: boolean]>([
  [{ host: '127.0.0.1', port: 80 }, { host: '127.0.0.1', port: 80 }, true],
  [{ host: '::ffff:127.0.0.1', port: 80 }, { host: '127.0.0.1', port: 80 }, true],
  [{ host: '127.0.0.1', port: 80 }, { host: '127.0.0.1', port: 81 }, false],
  [{ host: '127.0.0.1', port: 80 }, { host: '127.0.0.2', port: 80 }, false],
  [{ path: '/a' }, { path: '/a' }, true],
  [{ path: '/a' }, { path: '/b' }, false],
  [{ path: '/a' }, { host: '127.0.0.1', port: 80 }, false],
])('%o and %o: the same end is %s', (a, b, same) => {
  expect(sameEndpoint(a, b)).toBe(same)
  expect(sameEndpoint(b, a)).toBe(same)
})
