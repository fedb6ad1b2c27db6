import { randomUUID, X509Certificate } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'

import { expect, onTestFinished, test } from 'vitest'

import { faults } from '../../src/faults/faults.ts'
import { closed } from '../support.ts'
import { certificate } from '../certificate.ts'
import { dial, echo } from '../contract/parts.ts'
import { proxyTo } from './parts.ts'

const socketPath = (): string => join(tmpdir(), `netgrace-${randomUUID()}.sock`)

test('a unix socket on either side', async () => {
  const server = await echo({ path: socketPath() })
  const front = await proxyTo(server)
  const back = await proxyTo(await echo(), { path: socketPath() })
  expect(front.url).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/)
  expect(back.url).toBe(`unix:${back.path}`)
  for (const proxy of [front, back]) {
    const client = await dial(proxy.path === undefined ? proxy : { path: proxy.path })
    expect(await client.ask('hello')).toBe('hello')
    expect(await client.close()).toMatchObject({ kind: 'eof' })
    expect(await proxy.stop()).toMatchObject({ accepted: 1, endedBefore: 1 })
  }
})

test('a unix socket that is down is refused, and comes back', async () => {
  const proxy = await proxyTo(await echo(), { path: socketPath() })
  await proxy.down()
  await expect(dial({ path: proxy.path! })).rejects.toMatchObject({ ending: { kind: 'refused' } })
  await proxy.up()
  expect(await (await dial({ path: proxy.path! })).ask('again')).toBe('again')
})

test('TLS passes through untouched, and a reset below it is a reset', async () => {
  const server = await echo({ tls: certificate() })
  const proxy = await proxyTo(server)
  expect(proxy.url).toMatch(/^tls:/)
  const client = await dial(proxy, { tls: { ca: certificate().cert } })
  expect(await client.ask('hello')).toBe('hello')
  const { raw } = (client.socket as tls.TLSSocket).getPeerX509Certificate()!
  expect(raw.equals(new X509Certificate(certificate().cert).raw)).toBe(true)
  proxy.inject(faults.reset())
  expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
})

test('a TLS client of somebody else’s', async () => {
  const server = await echo({ tls: certificate() })
  const proxy = await proxyTo(server, { faults: [[faults.slicer({ size: 100 })]] })
  const socket = tls.connect({ host: '127.0.0.1', port: proxy.port, ca: certificate().cert })
  onTestFinished(async () => {
    socket.destroy()
    await closed(socket)
  })
  socket.write('hello')
  expect(await new Promise((resolve) => socket.once('data', resolve)).then(String)).toBe('hello')
})
