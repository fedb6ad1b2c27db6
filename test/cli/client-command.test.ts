import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { pathToFileURL } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

import { describe, expect, onTestFinished, test } from 'vitest'

import { certificate } from '../certificate.ts'
import { bareServer, refusing } from '../support.ts'
import { has, temporaryFolder } from './foreign.ts'
import { anotherPress, hasTerminal, inTerminal, netgrace } from './run.ts'

const ECHO = (socket: Socket): void => void socket.on('data', (data) => socket.write(data)).on('end', () => socket.end())

test.each([
  ['a goodbye', (socket: Socket) => socket.end('one\ntwo\n'), 0, 'one\ntwo\nEOF: the peer closed the connection gracefully\n'],
  ['a goodbye within a line', (socket: Socket) => socket.end('one'), 0, 'one\nEOF: the peer closed the connection gracefully\n'],
  // Node 20 and 22 take a reset right behind data for an end
  [
    'a reset',
    (socket: Socket) => socket.write('one\n', () => void setTimeout(() => socket.resetAndDestroy(), 20)),
    1,
    'one\nRST: connection reset by peer\n',
  ],
])('read prints what comes until %s, and how it ended', async (_what, end, code, text) => {
  const server = await bareServer((socket) => void setImmediate(() => end(socket)))
  const run = netgrace(`client --host 127.0.0.1 --port ${server.port}`)
  expect(await run.ended).toBe(code)
  expect(run.stdout).toBe(text)
  expect(run.stderr).toMatch(new RegExp(`^connected to 127\\.0\\.0\\.1:${server.port} from 127\\.0\\.0\\.1:\\d+; Ctrl-C closes\\n$`))
})

test('nobody there is said as an ending, and exit 1', async () => {
  const { port } = await refusing()
  const run = netgrace(`client --host 127.0.0.1 --port ${port}`)
  expect(await run.ended).toBe(1)
  expect(run.stdout).toBe('REFUSED: nobody listens there (ECONNREFUSED)\n')
  expect(run.stderr).toBe(`could not connect to 127.0.0.1:${port}\n`)
})

test('write sends a numbered line each second, until the end', async () => {
  const server = await bareServer()
  const run = netgrace(`client --host 127.0.0.1 --port ${server.port} --mode write`)
  const socket = await server.socket()
  const at: number[] = []
  let text = ''
  socket.on('data', (chunk) => {
    text += String(chunk)
    at.push(performance.now())
    if (at.length === 2) socket.end()
  })
  socket.on('end', () => socket.destroy())
  expect(await run.ended).toBe(0)
  expect(text).toBe('line #1\nline #2\n')
  expect(at[1]! - at[0]!).toBeGreaterThan(900)
  expect(run.stdout).toBe('sent: line #1\nsent: line #2\nEOF: the peer closed the connection gracefully\n')
})

test('interactive sends each line; an empty one closes, and what is still answered is printed', async () => {
  const server = await bareServer((socket) => {
    let text = ''
    socket.on('data', (chunk) => (text += String(chunk))).on('end', () => socket.end(text.toUpperCase()))
  })
  const run = netgrace(`client --host 127.0.0.1 --port ${server.port} --mode interactive`)
  run.child.stdin!.write('hello\nwörld\n\nnot sent\n')
  expect(await run.ended).toBe(0)
  expect(run.stdout.startsWith('HELLO\nWÖRLD\nEOF: we closed first, and the peer closed gracefully in answer')).toBe(true)
})

test('interactive closes at the end of its input, and ends when the peer does', async () => {
  const server = await bareServer(ECHO)
  const piped = netgrace(`client --host 127.0.0.1 --port ${server.port} --mode interactive`)
  piped.child.stdin!.end('one\ntwo')
  expect(await piped.ended).toBe(0)
  expect(piped.stdout.startsWith('one\ntwo\nEOF: we closed first, and the peer closed gracefully in answer')).toBe(true)

  const other = await bareServer((socket) => void socket.end('bye\n'))
  const open = netgrace(`client --host 127.0.0.1 --port ${other.port} --mode interactive`)
  expect(await open.ended).toBe(0) // its input is still open
  expect(open.stdout).toBe('bye\nEOF: the peer closed the connection gracefully\n')
})

test.each(['read', 'write', 'interactive'])('%s: a signal closes gracefully, a second one resets', async (mode) => {
  const server = await bareServer(ECHO)
  const run = netgrace(`client --host 127.0.0.1 --port ${server.port} --mode ${mode}`)
  await run.printed(/connected to/)
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(143)
  expect(run.stdout).toMatch(/EOF: we closed first, and the peer closed gracefully in answer/)

  const silent = await bareServer()
  const stuck = netgrace(`client --host 127.0.0.1 --port ${silent.port} --mode ${mode}`)
  await stuck.printed(/connected to/)
  stuck.child.kill('SIGINT')
  await stuck.printed(/SIGINT: closing/)
  await anotherPress()
  stuck.child.kill('SIGINT')
  expect(await stuck.ended).toBe(130)
  expect(stuck.stdout).toMatch(/RST: connection reset by us\n$/)
})

test('--json is an object a line: connected, read, ended', async () => {
  const server = await bareServer((socket) => void socket.end('ü\n'))
  const run = netgrace(`client --host 127.0.0.1 --port ${server.port} --json`)
  expect(await run.ended).toBe(0)
  expect(run.stderr).toBe('')
  expect(
    run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
  ).toMatchObject([
    { event: 'connected', peer: { host: '127.0.0.1', port: server.port } },
    { event: 'read', text: 'ü\n' },
    { event: 'ended', ending: { kind: 'eof', by: 'peer', bytesRead: 3 }, words: 'EOF: the peer closed the connection gracefully' },
  ])
})

test('--json keeps a byte order mark, and tells a character that was never finished', async () => {
  const server = await bareServer((socket) => void socket.end(Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xe2, 0x82])))
  const run = netgrace(`client 127.0.0.1:${server.port} --json`)
  expect(await run.ended).toBe(0)
  const events = run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; text?: string })
  expect(events.map(({ text }) => text ?? '').join('')).toBe('\uFEFFa\uFFFD')
  expect(events.at(-1)).toMatchObject({ event: 'ended', ending: { bytesRead: 6 } })
})

/** Sets a title, fills the clipboard, clears the screen, hides what follows; C1, DEL, bidirectional override; a line that is written over. */
const EVIL = '\u001B]0;owned\u0007\u001B]52;c;ZXZpbA==\u0007\u001B[2J\u001B[8m\u009B2J\u007F\u202Eabc\rEOF: fine\u2028\n'
const SHOWN =
  String.raw`\u001b]0;owned\u0007\u001b]52;c;ZXZpbA==\u0007\u001b[2J\u001b[8m\u009b2J\u007f\u202eabc\u000dEOF: fine\u2028` + '\n'

test('a pipe is given the bytes of a peer as they came', async () => {
  const bytes = Buffer.concat([Buffer.from(EVIL), Buffer.from([0xff, 0x00, 0x0a])])
  const server = await bareServer((socket) => void socket.end(bytes))
  const run = netgrace(`client 127.0.0.1:${server.port}`)
  const chunks: Buffer[] = []
  run.child.stdout!.setEncoding('latin1').on('data', (text: string) => chunks.push(Buffer.from(text, 'latin1')))
  expect(await run.ended).toBe(0)
  expect(Buffer.concat(chunks).subarray(0, bytes.length)).toEqual(bytes)
})

test('a reader that is slow slows the peer down, and fills no memory', async () => {
  const chunk = Buffer.alloc(1 << 16, 'x')
  let sent = 0
  const server = await bareServer((socket) => {
    const more = (): void => {
      while (socket.writable && socket.write(chunk, () => (sent += chunk.length)));
    }
    socket.on('drain', more).on('end', () => socket.end())
    more()
  })
  const run = netgrace(`client 127.0.0.1:${server.port}`)
  run.child.stdout!.pause()
  await run.printed(/connected to/)
  let before = -1
  while (sent > before) {
    before = sent
    await new Promise((resolve) => setTimeout(resolve, 300)) // it has come to a stop when nothing was taken for so long
  }
  expect(sent).toBeLessThan(32 * 2 ** 20) // what two kernels and two processes hold
  run.child.stdout!.resume()
  while (run.stdout.length < before + 2 ** 20) await once(run.child.stdout!, 'data') // and goes on
  run.child.kill('SIGINT')
  await run.printed(/SIGINT: closing/)
  await anotherPress()
  run.child.kill('SIGINT')
  expect(await run.ended).toBe(130)
}, 20_000)

test('an address is HOST:PORT, a URL, or the path of a unix socket', async () => {
  const path = join(temporaryFolder(), 'a.sock')
  const unix = createServer((socket) => socket.end('by path\n')).listen(path)
  onTestFinished(() => void unix.close())
  const server = await bareServer((socket) => void socket.end('by port\n'))
  for (const [address, text] of [
    [`127.0.0.1:${server.port}`, 'by port\n'],
    [`redis://me@127.0.0.1:${server.port}/0`, 'by port\n'],
    [path, 'by path\n'],
  ] as const) {
    const run = netgrace(`client ${address}`)
    expect(await run.ended).toBe(0)
    expect(run.stdout.startsWith(text)).toBe(true)
  }
})

describe.skipIf(!has('openssl'))('over TLS (where openssl makes a certificate)', () => {
  async function overTls(): Promise<{ readonly port: number; readonly ca: string; readonly names: string[] }> {
    const { key, cert } = certificate()
    const names: string[] = []
    const SNICallback = (name: string, done: (error: Error | null) => void): void => {
      names.push(name)
      done(null)
    }
    const server = createTlsServer({ key, cert, SNICallback }, (socket) => socket.on('error', () => {}).end('secret\n')).listen(
      0,
      '127.0.0.1',
    )
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const ca = join(temporaryFolder(), 'ca.pem')
    writeFileSync(ca, cert)
    return { port: (server.address() as AddressInfo).port, ca, names }
  }

  test.each([
    ['--tls', (port: number) => `127.0.0.1:${port} --tls --servername localhost`],
    ['a URL that means it', (port: number) => `tls://127.0.0.1:${port} --servername localhost`],
    ['--host and --port', (port: number) => `--host 127.0.0.1 --port ${port} --tls --servername localhost`],
  ])('%s, --ca and --servername', async (_what, args) => {
    const { port, ca, names } = await overTls()
    const run = netgrace(`client ${args(port)} --ca ${ca}`)
    expect(await run.ended).toBe(0)
    expect(run.stdout).toMatch(/^secret\nEOF: /)
    expect(run.stderr).toMatch(/, TLSv1\.3; Ctrl-C closes\n$/)
    expect(names).toEqual(['localhost'])
  })

  test('a name with two addresses, the first of which refuses', async () => {
    const { port, ca } = await overTls()
    const file = join(temporaryFolder(), 'lookup.mjs')
    writeFileSync(
      file,
      `import dns from 'node:dns'
      dns.lookup = (_name, _options, done) =>
        process.nextTick(done, null, [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }])`,
    )
    const env = { NODE_OPTIONS: `--import ${pathToFileURL(file).href}` }
    const secret = netgrace(`client localhost:${port} --tls --ca ${ca}`, env)
    expect(await secret.ended).toBe(0)
    expect(secret.stdout).toMatch(/^secret\nEOF: /)
    const echo = await bareServer(ECHO)
    for (const where of ['inline', 'thread']) {
      const scenario = netgrace(`scenario --to localhost:${echo.port} --clients 2 --messages 2 --in ${where}`, env)
      expect(await scenario.ended).toBe(0)
    }
  })

  test('a certificate that is not trusted, or for another name, is said with what to do', async () => {
    const { port, ca } = await overTls()
    const strange = netgrace(`client 127.0.0.1:${port} --tls`)
    expect(await strange.ended).toBe(1)
    expect(strange.stdout).toMatch(/^ERROR: self[- ]signed certificate.*\n$/) // later Nodes add a hint of their own
    expect(strange.stderr).toBe(`could not connect to 127.0.0.1:${port}: --ca FILE names a certificate to trust\n`)
    const other = netgrace(`client 127.0.0.1:${port} --tls --ca ${ca} --servername other.test`)
    expect(await other.ended).toBe(1)
    expect(other.stdout).toMatch(/^ERROR: Hostname\/IP does not match certificate's altnames/)
    expect(other.stderr).toContain('see --servername')
  })
})

test('a reader that has seen enough ends it', async () => {
  const server = await bareServer((socket) => {
    const ticker = setInterval(() => socket.write('more\n'), 5)
    socket
      .on('close', () => clearInterval(ticker))
      .on('end', () => socket.end())
      .resume()
  })
  const run = netgrace(`client --host 127.0.0.1 --port ${server.port}`)
  run.child.stdout!.once('data', () => run.child.stdout!.destroy())
  expect(await run.ended).toBe(0)
})

describe.skipIf(!hasTerminal)('in a terminal (where util-linux has script)', () => {
  test.each(['read', 'interactive'])('what a terminal would obey is written by %s, not obeyed', async (mode) => {
    const server = await bareServer((socket) => void socket.end(EVIL + 'last\r\n'))
    const run = inTerminal(`client 127.0.0.1:${server.port} --mode ${mode}`, 200)
    expect(await run.ended).toBe(0)
    expect(run.stdout.replaceAll('\r\n', '\n')).toContain(`${SHOWN}last\n`)
    expect(stripVTControlCharacters(run.stdout).replaceAll(/[\n\r]/g, '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u)
  })

  test('a half character and a lone carriage return are shown at the end', async () => {
    const server = await bareServer((socket) => void socket.end(Buffer.from([0x61, 0x0d, 0xe2, 0x82])))
    const run = inTerminal(`client 127.0.0.1:${server.port}`)
    expect(await run.ended).toBe(0)
    expect(run.stdout).toContain('a\\u000d\uFFFD')
  })

  test('a person types lines, reads answers, and closes by an empty line', async () => {
    const server = await bareServer((socket) => {
      socket.on('data', (data) => socket.write(`> ${String(data)}`)).on('end', () => socket.end())
    })
    const run = inTerminal(`client --host 127.0.0.1 --port ${server.port} --mode interactive`)
    await run.printed(/an empty line closes/)
    run.child.stdin!.write('hello\r')
    await run.printed(/> hello/)
    run.child.stdin!.write('\r')
    expect(await run.ended).toBe(0)
    expect(stripVTControlCharacters(run.stdout).trim().split(/\r?\n/).at(-1)).toMatch(/^EOF: we closed first, /)
  })

  test('Ctrl-C closes', async () => {
    const server = await bareServer(ECHO)
    const run = inTerminal(`client --host 127.0.0.1 --port ${server.port}`)
    await Promise.all([run.printed(/Ctrl-C closes/), server.socket()])
    run.child.stdin!.write('\u0003')
    expect(await run.ended).toBe(130)
    expect(stripVTControlCharacters(run.stdout)).toMatch(/EOF: we closed first/)
  })
})
