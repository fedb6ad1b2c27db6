import { once } from 'node:events'
import http2 from 'node:http2'
import tls from 'node:tls'

import { expect, onTestFinished, test } from 'vitest'

import { faults } from '../../src/faults/faults.ts'
import {
  connect,
  handlers,
  startProxy,
  startServer,
  superviseServer,
  testCertificate,
  type Client,
  type FaultProxy,
  type GracefulServer,
  type Handler,
} from '../../src/index.ts'
import type { MiddleTlsOptions } from '../../src/proxy/middle-tls.ts'
import { bareClient, closed, openSockets, until } from '../support.ts'

const { key, cert, ca } = testCertificate()

async function tlsServer(handler: Handler = handlers.echo()): Promise<GracefulServer> {
  const server = await startServer(handler, { tls: { key, cert } })
  onTestFinished(async () => void (await server.stop({ graceMs: 0 })))
  return server
}

async function inTheMiddle(
  server: { readonly host: string; readonly port: number },
  upstream: MiddleTlsOptions['upstream'] = { ca },
): Promise<FaultProxy> {
  const proxy = await startProxy(server, { tls: { key, cert, upstream } })
  onTestFinished(async () => void (await proxy.stop({ graceMs: 0 }).catch(() => {})))
  return proxy
}

async function dialled(proxy: FaultProxy, options: object = {}): Promise<Client> {
  const client = await connect(proxy, { tls: { ca }, ...options })
  onTestFinished(async () => void (await client.close()))
  return client
}

test('patterns and faults work on what is in the TLS', async () => {
  const proxy = await inTheMiddle(await tlsServer())
  const client = await dialled(proxy)
  expect(await client.ask('hello')).toBe('hello')
  expect((await proxy.saw('hello', { direction: 'downstream' })).id).toBe(1)
  const lost = proxy.inject(faults.blackhole(), { direction: 'downstream', after: { match: /COMMIT/ } })
  await client.send('COMMIT\n')
  await until(() => lost.hits === 1)
  lost.heal() // leaves a gap
  expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
})

test('half-close and reset pass on', async () => {
  const server = await tlsServer(async (connection) => {
    const all = await connection.readToEnd()
    await connection.send(`${all.length}\n`)
    if (all.length === 3) await connection.reset()
  })
  const proxy = await inTheMiddle(server)
  const ask = async (text: string): Promise<Client> => {
    const client = await dialled(proxy, { allowHalfOpen: true })
    await client.send(text)
    client.halfClose()
    return client
  }
  const ended = await ask('four')
  expect(await ended.readLine()).toBe('4')
  expect(await ended.ended).toMatchObject({ kind: 'eof', by: 'local' })
  await (await ask('abc')).endsWithin(2000)
  await until(() => proxy.links.size === 0)
  expect(proxy.history.map(({ upstream }) => upstream?.kind)).toStrictEqual(['eof', 'reset'])
})

test('an upstream whose certificate is not trusted cannot be reached: the client is reset, and the stop says why', async () => {
  const proxy = await inTheMiddle(await tlsServer(), {})
  const client = await dialled(proxy)
  expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
  expect(proxy.history[0]!.unreachable).toMatch(
    /cannot be reached \((?:UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)/,
  )
  await expect(proxy.stop()).rejects.toMatchObject({ code: 'ERR_NETGRACE_UPSTREAM' })
})

test('with upstream: false it ends the TLS', async () => {
  const server = await startServer(handlers.echo())
  onTestFinished(async () => void (await server.stop({ graceMs: 0 })))
  const proxy = await inTheMiddle(server, false)
  expect(await (await dialled(proxy)).ask('hello')).toBe('hello')
})

test('what a client agrees on by ALPN is asked for upstream: HTTP/2 passes', async () => {
  const server = http2.createSecureServer({ key, cert }, (request, response) => void response.end(`${request.httpVersion} ${request.url}`))
  const supervised = await superviseServer(server)
  onTestFinished(async () => void (await supervised.stop({ graceMs: 0 })))
  const proxy = await startProxy(supervised, { tls: { key, cert, ALPNProtocols: ['h2'], upstream: { ca } } })
  onTestFinished(async () => void (await proxy.stop({ graceMs: 0 }).catch(() => {})))
  const session = http2.connect(`https://127.0.0.1:${proxy.port}`, { ca })
  const stream = session.request({ ':path': '/through' })
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(stream, 'end')
  expect(Buffer.concat(chunks).toString()).toBe('2.0 /through')
  session.close()
  await once(session, 'close')
  expect((await proxy.saw('PRI * HTTP/2.0', { withinMs: 1000 })).id).toBe(1)
})

test('a handshake that fails is no link, and is counted', async () => {
  const server = await tlsServer()
  const proxy = await inTheMiddle(server)
  const plain = await bareClient(proxy, { allowHalfOpen: false })
  plain.write('this is no TLS\r\n')
  plain.resume()
  await once(plain, 'close')
  const untrusting = tls.connect({ port: proxy.port, host: '127.0.0.1' }).on('error', () => {})
  await closed(untrusting)
  expect(await (await dialled(proxy)).ask('x')).toBe('x')
  expect(await proxy.stop()).toMatchObject({ accepted: 1, handshakes: { pending: 0, failed: 2 } })
})

test('a handshake that hangs does not keep the proxy from stopping', async () => {
  const server = await tlsServer()
  const open = openSockets()
  const proxy = await startProxy(server, { tls: { key, cert, upstream: { ca } }, graceMs: 50 })
  const mute = await bareClient(proxy)
  mute.resume()
  const gone = once(mute, 'close').catch(() => {})
  await proxy.stop()
  await gone
  await until(() => openSockets() === open)
})

test.each([
  [{ key: 'no key', cert }, /./],
  [{ key, cert, upstream: { ca: 'no certificate', minVersion: 'TLSv9' } }, /./],
  [{ key, cert, upstream: 5 }, /^tls\.upstream must be/],
])('wrong options open nothing', async (options, message) => {
  const open = openSockets()
  await expect(startProxy('127.0.0.1:1', { tls: options as never })).rejects.toThrow(message)
  expect(openSockets()).toBe(open)
})
