import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

import { describe, expect, onTestFinished, test } from 'vitest'

import { certificate } from '../certificate.ts'
import { bareClient, bareServer, dialBare, eventsOf } from '../support.ts'
import { foreign, has, temporaryFolder } from './foreign.ts'
import { anotherPress, hasTerminal, inTerminal, netgrace, screen, type Run } from './run.ts'

/** Starts `netgrace server` on a port of the system's choice, and waits until it listens. */
async function serving(args = '', run = netgrace(`server --port 0 ${args}`)): Promise<{ run: Run; port: number }> {
  await run.printed(/Ctrl-C\s+stops/)
  return { run, port: Number(/:(\d+)/.exec(stripVTControlCharacters(run.stdout))![1]) }
}

test('says where it listens, the life of each connection, and what became of all', async () => {
  const { run, port } = await serving()
  expect(run.stdout).toBe(`listening on tcp://127.0.0.1:${port}: echo; Ctrl-C stops\n`)
  const client = await bareClient({ port })
  client.write('hello')
  expect(String((await once(client, 'data'))[0])).toBe('hello')
  client.end()
  await run.printed(/EOF/)
  run.child.kill('SIGINT')
  expect(await run.ended).toBe(0)
  const lines = run.stdout.split('\n').slice(1)
  expect(lines[0]).toMatch(/^ +\d+\.\d{3} s {2}#1 {3}connected from 127\.0\.0\.1:\d+$/)
  expect(lines[1]).toMatch(/^ +\d+\.\d{3} s {2}#1 {3}EOF: the peer closed the connection gracefully \(5 B in, 5 B out\)$/)
  expect(lines[2]).toBe('SIGINT: stopping')
  expect(lines[3]).toMatch(/^stopped: 1 accepted, 1 ended before, 0 drained, 0 forced, 0 late \([\d.]+ ms\)$/)
  expect(run.stderr).toBe('')
})

test('a preferred port that is taken gives a free one, and says so', async () => {
  const taken = await bareServer()
  const { run, port } = await serving('', netgrace(`server --port ${taken.port}`))
  expect(run.stdout).toContain(`port ${taken.port} is not free: another one it is\n`)
  const client = await bareClient({ port: Number(/tcp:\/\/127\.0\.0\.1:(\d+)/.exec(run.stdout)![1]) })
  expect(port).not.toBe(client.localPort)
  run.child.kill('SIGTERM')
  client.end().resume()
  expect(await run.ended).toBe(0)
})

test.each([
  ['--close immediate', ['ECONNRESET', 'close'], /RST: connection reset by us/],
  ['--close graceful', ['end', 'close'], /EOF: we closed first/],
  ['--close half --delay 10ms', ['end', 'close'], /EOF: we closed first/],
])('%s is what its peer sees', async (args, events, words) => {
  const { run, port } = await serving(args)
  const seen = await eventsOf(dialBare({ port }, { allowHalfOpen: false }))
  expect(seen.filter((event) => event !== 'connect')).toEqual(events) // a reset may come before a busy client has seen that it is connected
  await run.printed(words)
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(0)
})

test('--close never does not answer a goodbye, and a second signal cuts what is left: exit 1', async () => {
  const { run, port } = await serving('--close never')
  const client = await bareClient({ port })
  client.end().resume()
  await run.printed(/the peer half-closed, and is not answered/)
  const stuck = await bareClient({ port })
  stuck.resume() // reads, and never closes
  await run.printed(/#2 +connected/)
  run.child.kill('SIGINT')
  await run.printed(/SIGINT: stopping, 2 connections may finish within 1 s; again to cut them/)
  await run.printed(/#1 +EOF/) // now it is answered
  await anotherPress()
  run.child.kill('SIGINT')
  expect(await run.ended).toBe(1)
  expect(run.stdout).toMatch(/stopped: 2 accepted, 0 ended before, 1 drained, 1 forced, 0 late/)
})

test('a handler that fails is told, with what a terminal would obey written out, and is exit 1', async () => {
  const file = join(temporaryFolder(), 'failing.mjs')
  writeFileSync(
    file,
    `import net from 'node:net'
    const write = net.Socket.prototype.write
    net.Socket.prototype.write = function (...args) {
      if (this.server === null || this.server === undefined) return write.apply(this, args)
      throw new Error('no \\u001B[8mmore')
    }`,
  )
  const { run, port } = await serving(
    '',
    netgrace('server --port 0 --handler drip', { NODE_OPTIONS: `--import ${pathToFileURL(file).href}` }),
  )
  const client = await bareClient({ port })
  client.resume()
  await run.printed(/#1 +RST/)
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(1)
  expect(run.stdout).toMatch(/\nstopped: 1 accepted, 1 ended before, .*\na handler failed: no \\u001b\[8mmore\n$/)
})

test.skipIf(!has('openssl'))(
  'a key that is not that of the certificate is one clear line, and exit 2 (where there is openssl)',
  async () => {
    const folder = temporaryFolder()
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    writeFileSync(join(folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    writeFileSync(join(folder, 'cert.pem'), certificate().cert)
    const run = netgrace(`server --tls-cert ${folder}/cert.pem --tls-key ${folder}/key.pem`)
    expect(await run.ended).toBe(2)
    expect(run.stderr).toBe('netgrace: --tls-key is not the key of --tls-cert\n')
  },
)

test('--handler drip drips each second, --handler discard is silent', async () => {
  const drip = await serving('--handler drip')
  const client: Socket = await bareClient({ port: drip.port })
  let text = ''
  const at: number[] = []
  client.on('data', (chunk) => {
    text += String(chunk)
    at.push(performance.now())
  })
  while (!text.includes('packet #2\n')) await once(client, 'data')
  expect(text).toBe('packet #1\npacket #2\n')
  expect(at[1]! - at[0]!).toBeGreaterThan(900)
  client.end()
  const discard = await serving('--handler discard')
  const silent = await bareClient({ port: discard.port })
  silent.end('anything')
  expect(await eventsOf(silent)).toEqual(['end', 'close'])
  await discard.run.printed(/\(8 B in, 0 B out\)/)
})

test('--udp sends datagrams back, and counts them', async () => {
  const { run, port } = await serving('--udp')
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  socket.send('hello', port, '127.0.0.1')
  expect(String((await once(socket, 'message'))[0])).toBe('hello')
  run.child.kill('SIGINT')
  expect(await run.ended).toBe(0)
  expect(run.stdout).toMatch(/\nSIGINT: stopping\nstopped: 1 datagram from 1 peer, 1 answered \([\d.]+ ms\)\n$/)
})

test('--json is an object a line: listening, connected, ended, stopping, stopped', async () => {
  const run = netgrace('server --port 0 --json')
  await run.printed(/"listening"/)
  const { port } = JSON.parse(run.stdout) as { port: number }
  const client = await bareClient({ port })
  client.end('x').resume()
  await run.printed(/"ended"/)
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(0)
  const events = run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(events).toMatchObject([
    { event: 'listening', url: `tcp://127.0.0.1:${port}`, wanted: 0 },
    { event: 'connected', id: 1, peer: { host: '127.0.0.1' } },
    { event: 'ended', id: 1, ending: { kind: 'eof', by: 'peer', bytesRead: 1 } },
    { event: 'stopping', interrupt: 'SIGTERM', live: 0 },
    { event: 'stopped', ok: true, report: { accepted: 1, forced: [] } },
  ])
})

test('an address that is not ours is one clear line, and exit 1', async () => {
  const run = netgrace('server --host 192.0.2.1')
  expect(await run.ended).toBe(1)
  expect(run.stdout).toBe('')
  expect(run.stderr).toMatch(/^netgrace: .*192\.0\.2\.1:8080.*EADDRNOTAVAIL.*\n$/)
})

test('--udp --json tells what has come, too', async () => {
  const run = netgrace('server --udp --port 0 --json')
  await run.printed(/"listening"/)
  const { port } = JSON.parse(run.stdout.split('\n')[0]!) as { port: number }
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  socket.send('hello', port, '127.0.0.1')
  await run.printed(/"totals","received":1,"answered":1,/)
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(0)
  expect(run.stdout).toMatch(/"stopping","interrupt":"SIGTERM".*\n.*"stopped","ok":true,"report":\{"received":1,/)
})

describe.skipIf(!hasTerminal)('in a terminal (where util-linux has script)', () => {
  test('--udp shows what has come in a line that is gone in the end', async () => {
    const { run, port } = await serving('', inTerminal('server --udp --port 0'))
    const socket = createSocket('udp4')
    onTestFinished(() => void socket.close())
    await run.printed(/0 datagrams came, 0 answered/)
    socket.send('hello', port, '127.0.0.1')
    await run.printed(/1 datagram came, 1 answered/)
    run.child.stdin!.write('\u0003')
    expect(await run.ended).toBe(0)
    expect(screen(run.stdout).filter((line) => line.includes('came'))).toEqual([])
  })

  test('Ctrl-C stops it, and no line is longer than 80 columns', async () => {
    const { run, port } = await serving('', inTerminal('server --port 0'))
    const client = await bareClient({ port })
    await run.printed(/connected from/)
    run.child.stdin!.write('\u0003')
    client.on('end', () => client.end()).resume()
    expect(await run.ended).toBe(0)
    const text = stripVTControlCharacters(run.stdout)
    expect(text).toMatch(/EOF: we closed first/)
    expect(text).toMatch(/stopped: 1 accepted, 0 ended before, 1 drained, 0 forced, 0 late/)
    for (const line of text.split(/\r?\n/)) expect(line.length, line).toBeLessThanOrEqual(80)
  })

  test('colours are for a terminal, and never with NO_COLOR', async () => {
    for (const [env, coloured] of [
      [{}, true],
      [{ NO_COLOR: '1' }, false],
    ] as const) {
      const { run } = await serving('', inTerminal('server --port 0', 80, env))
      run.child.stdin!.write('\u0003')
      await run.ended
      expect(/\[\d+m/.test(run.stdout)).toBe(coloured)
    }
  })
})

describe('with peers that are not ours', () => {
  test.skipIf(!has('nc'))('nc (where there is one)', async () => {
    const { run, port } = await serving()
    expect(await foreign('nc', ['-N', '127.0.0.1', String(port)], 'hello\n')).toBe('hello\n')
    await run.printed(/EOF: the peer closed/)
  })

  test.skipIf(!has('socat'))('socat (where there is one)', async () => {
    const { run, port } = await serving()
    expect(await foreign('socat', ['-', `TCP:127.0.0.1:${port}`], 'hello\n')).toBe('hello\n')
    await run.printed(/EOF: the peer closed/)
  })

  test.skipIf(!has('curl'))('curl’s telnet (where there is curl)', async () => {
    const { run, port } = await serving('--handler drip --close graceful --delay 1500ms')
    expect(await foreign('curl', ['-s', '--no-buffer', '--max-time', '5', `telnet://127.0.0.1:${port}`])).toContain('packet #1\n')
    await run.printed(/EOF/)
  })

  test.skipIf(!has('python3'))('a socket of python’s (where there is python3)', async () => {
    const { run, port } = await serving()
    const code = `import socket
s = socket.create_connection(('127.0.0.1', ${port}))
s.sendall(b'hello'); s.shutdown(socket.SHUT_WR)
print(s.makefile('rb').read().decode(), end='')`
    expect(await foreign('python3', ['-c', code])).toBe('hello')
    await run.printed(/EOF: the peer closed the connection gracefully \(5 B in, 5 B out\)/)
  })

  test.skipIf(!has('python3'))('a python that resets is told as a reset (where there is python3)', async () => {
    const { run, port } = await serving()
    const code = `import socket, struct
s = socket.create_connection(('127.0.0.1', ${port}))
s.sendall(b'x'); s.recv(1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); s.close()`
    await foreign('python3', ['-c', code])
    await run.printed(/RST: connection reset by peer/)
  })

  test.skipIf(!has('openssl'))('openssl s_client, with --tls-cert and --tls-key (where there is openssl)', async () => {
    const folder = temporaryFolder()
    const { key, cert } = certificate()
    writeFileSync(join(folder, 'key.pem'), key)
    writeFileSync(join(folder, 'cert.pem'), cert)
    const { run, port } = await serving(
      `--tls-cert ${folder}/cert.pem --tls-key ${folder}/key.pem --handler drip --close graceful --delay 1500ms`,
    )
    expect(run.stdout).toContain('tls://127.0.0.1:')
    const args = ['s_client', '-quiet', '-verify_return_error', '-CAfile', join(folder, 'cert.pem'), '-connect', `127.0.0.1:${port}`]
    expect(await foreign('openssl', args)).toContain('packet #1\n')
    await run.printed(/EOF/)
    const plain = await bareClient({ port }, { allowHalfOpen: false })
    plain.write('GET / HTTP/1.1\r\n\r\n')
    await eventsOf(plain)
    run.child.kill('SIGTERM')
    await run.ended
    expect(run.stdout).toMatch(/stopped: 1 accepted, .*, 0 late, 1 TLS handshake failed \(/)
  })
})
