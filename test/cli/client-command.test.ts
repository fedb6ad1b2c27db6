import type { Socket } from 'node:net'
import { stripVTControlCharacters } from 'node:util'

import { describe, expect, test } from 'vitest'

import { bareServer, refusing } from '../support.ts'
import { hasTerminal, inTerminal, netgrace } from './run.ts'

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
