import https from 'node:https'

import { expect, test } from 'vitest'

import { connect, openRig, runScenario, spawnClient, startEchoServer, startProxy, superviseServer } from '../../src/index.ts'
import { certificate } from '../certificate.ts'

const REFUSED = /^tls must be what tls\.connect takes, as \{ ca \}, to dial (?:tls|https):\/\/127\.0\.0\.1:\d+ .*got undefined$/

test('a server that speaks TLS is not dialled in plain TCP unawares', async () => {
  const own = await startEchoServer({ tls: certificate() })
  const supervised = await superviseServer(https.createServer(certificate()))
  const rig = openRig()
  for (const server of [own, supervised]) {
    await expect(connect(server)).rejects.toThrow(REFUSED)
    await expect(rig.connect(server)).rejects.toThrow(TypeError)
    await expect(spawnClient(server, { in: 'thread' })).rejects.toThrow(REFUSED)
    await expect(runScenario(server)).rejects.toThrow(/^to must be a server that speaks plain TCP/)
  }
  await rig.close()
  const client = await connect(own, { tls: { ca: certificate().cert } })
  expect(await client.ask('over TLS')).toBe('over TLS')
  await client.close()
  const plain = await connect({ host: own.host, port: own.port })
  await plain.reset()
  expect((await own.stop()).handshakes.failed).toBe(1)
  expect((await supervised.stop()).accepted).toBe(0)
})

test('nor is a proxy in front of one', async () => {
  const server = await startEchoServer({ tls: certificate() })
  const proxy = await startProxy(server, { graceMs: 0 })
  const scheme = new URL(proxy.url).protocol
  if (scheme === 'tls:') await expect(connect(proxy)).rejects.toThrow(REFUSED)
  const client = await connect(proxy, { tls: { ca: certificate().cert } })
  await client.close()
  await proxy.stop()
  await server.stop()
})
