import { createSocket } from 'node:dgram'
import { getEventListeners, once } from 'node:events'

import { expect, onTestFinished, test } from 'vitest'

import { ConnectError, openRig, openUdpClient, startUdpEchoServer, type UdpClient } from '../../src/index.ts'
import { MAX_PEERS, UdpEcho } from '../../src/server/udp/udp-server.ts'
import { Timeline } from '../../src/timeline/timeline.ts'
import { bindUdp } from '../../src/wire/udp.ts'
import { openSockets, turns } from '../support.ts'

async function pair(): Promise<{ server: Awaited<ReturnType<typeof startUdpEchoServer>>; client: UdpClient }> {
  const server = await startUdpEchoServer()
  const client = await openUdpClient(server)
  onTestFinished(async () => {
    await client.close()
    await server.stop()
  })
  return { server, client }
}

function udpHandles(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'UDPWrap').length
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

test.each([0, 1, 2, 5])(
  'a signal that aborts %d turns after opening has begun: it rejects, or the client ends; nothing is left open',
  async (count) => {
    const { server } = await pair()
    const before = openSockets()
    const aborting = new AbortController()
    const opening = openUdpClient(server, { signal: aborting.signal }).catch((error: unknown) => error)
    await turns(count)
    const reason = new Error('enough')
    aborting.abort(reason)
    const outcome = await opening
    if (outcome instanceof ConnectError) {
      expect(outcome).toMatchObject({
        code: 'ERR_NETGRACE_CONNECT',
        ending: { kind: 'closed', by: 'local', phase: 'connecting', cause: reason },
      })
    } else {
      expect(count).toBeGreaterThan(0)
      expect(await (outcome as UdpClient).ended).toMatchObject({ kind: 'closed', phase: 'open', cause: reason })
    }
    expect(getEventListeners(aborting.signal, 'abort')).toStrictEqual([])
    expect(openSockets()).toBe(before)
  },
)

test('what has closed is gone when its promise says so', async () => {
  const before = udpHandles()
  const server = await startUdpEchoServer()
  const client = await openUdpClient(server)
  expect(udpHandles()).toBe(before + 2)
  await client.close()
  expect(udpHandles()).toBe(before + 1)
  const aborting = new AbortController()
  const opening = openUdpClient(server, { signal: aborting.signal })
  aborting.abort()
  await expect(opening).rejects.toBeInstanceOf(ConnectError)
  expect(udpHandles()).toBe(before + 1)
  await server.stop()
  expect(udpHandles()).toBe(before)
})

test('a signal that aborts while a name is looked up ends the wait for it', async () => {
  const before = udpHandles() // the look-up has a socket of its own
  const aborting = new AbortController()
  const opening = expect(openUdpClient('no-such-host.invalid:9', { signal: aborting.signal })).rejects.toMatchObject({
    ending: { kind: 'closed', phase: 'connecting' },
  })
  aborting.abort()
  await opening
  expect(udpHandles()).toBe(before)
})

test('a server whose signal aborts while it starts rejects, and nothing is left open', async () => {
  const before = udpHandles()
  const aborting = new AbortController()
  const starting = expect(startUdpEchoServer({ signal: aborting.signal })).rejects.toMatchObject({ code: 'ERR_NETGRACE_STOPPED' })
  aborting.abort()
  await starting
  expect(getEventListeners(aborting.signal, 'abort')).toStrictEqual([])
  expect(udpHandles()).toBe(before)
})

test('a client whose socket its user closes has ended: closed, by us', async () => {
  const { client } = await pair()
  const receiving = client.receive()
  client.socket.close()
  const sending = expect(client.send('too late')).rejects.toMatchObject({
    code: 'ERR_NETGRACE_CONNECTION_ENDED',
    ending: { kind: 'closed', by: 'local', bytesWritten: 0 },
  })
  expect(await receiving).toBeUndefined()
  await sending
  expect(await client.ended).toMatchObject({ kind: 'closed', by: 'local', certain: true })
  expect(await client.close()).toMatchObject({ kind: 'closed' })
  await expect(client.send('x')).rejects.toMatchObject({ code: 'ERR_NETGRACE_CONNECTION_ENDED' })
})

test('a datagram that is too big is an error of its own: the client goes on, and counts only what went out', async () => {
  const { client } = await pair()
  await expect(client.send(Buffer.alloc(70_000))).rejects.toMatchObject({
    code: 'ERR_NETGRACE_DATAGRAM',
    cause: { code: 'EMSGSIZE' },
    message: expect.stringMatching(
      /^client #\d+: a datagram of 70000 bytes was not taken: .*EMSGSIZE.* \(a datagram carries at most 65507 bytes/,
    ),
  })
  await client.send('small')
  expect(String(await client.receive())).toBe('small')
  void client.send('and one more')
  expect(await client.close()).toMatchObject({ kind: 'closed', bytesWritten: 17 })
})

test('a receive that is given up in the turn in which its datagram comes gives that, and no other receiver goes', async () => {
  const { client } = await pair()
  const aborting = new AbortController()
  client.socket.once('message', () => aborting.abort(new Error('enough')))
  const [first, second, third] = [client.receive({ signal: aborting.signal }), client.receive(), client.receive()]
  await client.send('one')
  expect(String(await first)).toBe('one')
  for (const text of ['two', 'three']) await client.send(text)
  expect([String(await second), String(await third)]).toStrictEqual(['two', 'three'])
})

test('a receiver that is given up removes itself alone', async () => {
  const { client } = await pair()
  const aborting = new AbortController()
  const [first, second, third] = [client.receive(), client.receive({ signal: aborting.signal }), client.receive()]
  aborting.abort(new Error('enough'))
  await expect(second).rejects.toThrow('enough')
  for (const text of ['one', 'two']) await client.send(text)
  expect([String(await first), String(await third)]).toStrictEqual(['one', 'two'])
})

test('a server that nothing of ours stopped, but whose socket is gone, has stopped', async () => {
  const socket = await bindUdp({ host: '127.0.0.1', port: 0 })
  const server = new UdpEcho(socket, new Timeline(), {})
  socket.close()
  await once(server.quit, 'abort')
  expect(await server.stop()).toMatchObject({ received: 0, errors: [] })
  expect(server.state).toBe('stopped')
})

test('of the peers so many are told apart, and no more', async () => {
  const socket = await bindUdp({ host: '127.0.0.1', port: 0 })
  const server = new UdpEcho(socket, new Timeline(), {})
  socket.send = ((_data: Buffer, _port: number, _address: string, sent: (error: null) => void) => sent(null)) as typeof socket.send
  const datagram = Buffer.from('x')
  for (let n = 0; n < MAX_PEERS + 10; n++) {
    const from = { address: `127.0.${(n >> 8) & 0xff}.${n & 0xff}`, family: 'IPv4', port: 1 + (n >> 16), size: 1 }
    socket.emit('message', datagram, from)
  }
  expect(await server.stop()).toMatchObject({ received: MAX_PEERS + 10, peers: MAX_PEERS })
})
