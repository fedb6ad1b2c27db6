import { createSocket } from 'node:dgram'
import { once } from 'node:events'

import { expect, onTestFinished, test } from 'vitest'

import { openRig, openUdpClient, startUdpEchoServer, type UdpClient } from '../../src/index.ts'
import { openSockets } from '../support.ts'

async function pair(): Promise<{ server: Awaited<ReturnType<typeof startUdpEchoServer>>; client: UdpClient }> {
  const server = await startUdpEchoServer()
  const client = await openUdpClient(server)
  onTestFinished(async () => {
    await client.close()
    await server.stop()
  })
  return { server, client }
}

test('what is sent comes back, datagram by datagram', async () => {
  const { client } = await pair()
  await client.send('one')
  await client.send(new Uint8Array([0, 1, 2]))
  await client.send('')
  expect([await client.receive(), await client.receive(), await client.receive()].map((one) => one?.toString('latin1'))).toEqual([
    'one',
    '\0\x01\x02',
    '',
  ])
})

test('receivers are served in the order in which they asked', async () => {
  const { client } = await pair()
  const asked = [client.receive(), client.receive(), client.receive()]
  for (const text of ['a', 'b', 'c']) await client.send(text)
  expect((await Promise.all(asked)).map(String)).toEqual(['a', 'b', 'c'])
})

test('nobody there: the ending is refused, by the peer, and nothing is thrown at nobody', async () => {
  const { server, client } = await pair()
  await server.stop()
  await client.send('anybody there?')
  expect(await client.ended).toMatchObject({ kind: 'refused', by: 'peer', phase: 'open', cause: { code: 'ECONNREFUSED' } })
  expect(await client.receive()).toBeUndefined()
  await expect(client.send('still?')).rejects.toMatchObject({ code: 'ERR_NETGRACE_CONNECTION_ENDED', ending: { kind: 'refused' } })
})

test('a pending receive ends with the client, without a datagram', async () => {
  const { client } = await pair()
  const receiving = client.receive()
  expect(await client.close()).toMatchObject({ kind: 'closed', by: 'local', certain: true })
  expect(await receiving).toBeUndefined()
})

test('a receive that is bounded rejects in time, and loses nothing', async () => {
  const { client } = await pair()
  await expect(client.receive({ withinMs: 10 })).rejects.toMatchObject({ code: 'ERR_NETGRACE_TIMEOUT' })
  await client.send('late')
  expect(String(await client.receive())).toBe('late')
})

test('datagrams that had arrived when stop() is called are answered', async () => {
  const { server, client } = await pair()
  const sent = Array.from({ length: 20 }, (_, n) => client.send(`datagram ${n}`))
  const report = await server.stop()
  await Promise.all(sent)
  expect(report).toMatchObject({ received: 20, answered: 20, peers: 1, errors: [] })
  for (let n = 0; n < 20; n++) expect(String(await client.receive({ withinMs: 5000 }))).toBe(`datagram ${n}`)
})

test('the report counts bytes and peers', async () => {
  const { server, client } = await pair()
  const other = await openUdpClient(server)
  await client.send('12345')
  await client.receive()
  await other.send('123')
  await other.receive()
  await other.close()
  expect(await server.stop()).toMatchObject({ received: 2, answered: 2, bytesReceived: 8, bytesSent: 8, peers: 2 })
})

test('a second stop() gives the same promise, and an aborted signal is a stop', async () => {
  const stopping = new AbortController()
  const server = await startUdpEchoServer({ signal: stopping.signal })
  stopping.abort()
  expect(server.state).toBe('quitting')
  expect(server.quit.aborted).toBe(true)
  expect(server.stop()).toBe(server.stop())
  await server.stop()
  expect(server.state).toBe('stopped')
})

test('aborting its signal closes a client, with the reason as the cause', async () => {
  const { server } = await pair()
  const aborting = new AbortController()
  const client = await openUdpClient(server, { signal: aborting.signal })
  const reason = new Error('enough')
  aborting.abort(reason)
  expect(await client.ended).toMatchObject({ kind: 'closed', by: 'local', cause: reason })
})

test('what a reader does not take is dropped beyond the read-ahead, and counted', async () => {
  const bare = createSocket('udp4').bind(0, '127.0.0.1')
  await once(bare, 'listening')
  onTestFinished(() => void bare.close())
  const client = await openUdpClient({ host: '127.0.0.1', port: bare.address().port })
  onTestFinished(async () => void (await client.close()))
  const { port } = client.local as { port: number }
  for (let n = 0; client.dropped === 0; n++) {
    await new Promise((resolve) => bare.send(Buffer.alloc(60_000, n), port, '127.0.0.1', resolve))
    await new Promise(setImmediate)
  }
  expect((await client.receive())?.length).toBe(60_000)
  expect(client.dropped).toBeGreaterThan(0)
})

test('a rig takes a UDP server down with the rest', async () => {
  const rig = openRig()
  const server = await rig.udpEcho()
  await rig.close()
  expect(server.state).toBe('stopped')
})

test.each([
  [{ port: -1 }, RangeError, /port must be an integer from 0 to 65535, got -1/],
  [{ host: 1 }, TypeError, /host must be a string, got 1/],
  [{ tls: {} }, TypeError, /one of host, port, graceMs, signal, got "tls"/],
])('a server refuses %o before anything is opened', async (options, kind, message) => {
  const before = openSockets()
  await expect(startUdpEchoServer(options as object)).rejects.toThrow(kind)
  await expect(startUdpEchoServer(options as object)).rejects.toThrow(message)
  expect(openSockets()).toEqual(before)
})

test('a taken port is a clear error, with the system error as its cause, and nothing is left open', async () => {
  const { server } = await pair()
  const before = openSockets()
  await expect(startUdpEchoServer({ port: server.port })).rejects.toMatchObject({
    code: 'ERR_NETGRACE_LISTEN',
    cause: { code: 'EADDRINUSE' },
  })
  expect(openSockets()).toEqual(before)
})

test('a path is no UDP address', async () => {
  await expect(openUdpClient({ path: '/tmp/none' })).rejects.toThrow(/to must be a host and a port/)
})

test('a stop refuses a grace that is none, and stops nothing', async () => {
  const { server } = await pair()
  await expect(server.stop({ graceMs: -5 })).rejects.toThrow(/graceMs must be a finite number ≥ 0.*got -5/)
  expect(server.state).toBe('listening')
})
