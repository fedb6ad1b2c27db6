import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

import { describe, expect, onTestFinished, test } from 'vitest'

import { bareServer, refusing } from '../support.ts'
import { anotherPress, CLEAR_LINE, hasTerminal, inTerminal, netgrace, screen } from './run.ts'

const ECHO = (socket: Socket): void => void socket.on('data', (data) => socket.write(data)).on('end', () => socket.end())

test('netgrace scenario: ten clients, ten messages, nothing lost, nothing left, and it ends by itself', async () => {
  const run = netgrace('scenario --interval 0')
  expect(await run.ended).toBe(0)
  expect(run.stderr).toBe('')
  const lines = run.stdout.split('\n')
  expect(lines[0]).toMatch(/^10 clients, 10 messages each, to 127\.0\.0\.1:\d+ \(our own echo\)$/)
  expect(lines[2]).toMatch(/^ {2}client {2}sent {2}echoed {2}changed {2}lost {2} +p50 {2} +max {2}ended$/)
  expect(lines.slice(3, 13).map((line) => line.replaceAll(/\d+\.?\d* ms/g, 'T').replaceAll(/ +/g, ' '))).toEqual(
    Array.from({ length: 10 }, (_, n) => ` #${n + 1} 10 10 0 0 T T eof, by us`),
  )
  expect(new Set(lines.slice(2, 13).map((line) => line.indexOf('e', 50))).size).toBe(1) // the last column is aligned
  expect(run.stdout).toMatch(/^ {2}replies {2}100 of 100 echoed, 0 changed, 0 lost, in [\d.]+ ms \(\d+ a second\)$/m)
  expect(run.stdout).toMatch(/^ {2}latency {2}min [\d.]+, mean [\d.]+, p50 [\d.]+, p90 [\d.]+, p99 [\d.]+, max [\d.]+ ms$/m)
  expect(run.stdout).toMatch(/^ {2}server {3}10 accepted, 10 ended before, 0 drained, 0 forced, 0 late \([\d.]+ ms\)$/m)
  expect(run.stdout).toMatch(/^ {2}leaks {4}no handle left$/m)
  expect(lines.at(-2)).toMatch(/^ok: 10 clients, 100 of 100 messages echoed, in \d+ ms$/)
})

test.each([
  ['--in thread --workers 1', '10 clients in 1 thread'],
  ['--in process --workers 3', '10 clients in 3 processes'],
  ['--in process', '10 clients in 10 processes'],
])('%s: the same from there, and nothing is left', async (args, words) => {
  const run = netgrace(`scenario --interval 0 ${args}`)
  expect(await run.ended).toBe(0)
  expect(run.stdout.startsWith(`${words}, 10 messages each, to 127.0.0.1:`)).toBe(true)
  expect(run.stdout).toMatch(/^ {2}replies {2}100 of 100 echoed/m)
  expect(run.stdout).toMatch(/^ {2}leaks {4}no handle left$/m)
})

test('--json prints one document on stdout and nothing else, with every ending', async () => {
  const run = netgrace('scenario --clients 3 --messages 4 --interval 1ms --json')
  expect(await run.ended).toBe(0)
  expect(run.stderr).toBe('')
  expect(JSON.parse(run.stdout)).toMatchObject({
    ok: true,
    interrupted: null,
    scenario: { ok: true, sent: 12, echoed: 12, endings: { eof: 3, reset: 0 }, clients: [{ id: 1 }, { id: 2 }, { id: 3 }] },
    server: { accepted: 3, forced: [], errors: [] },
    leaks: [],
  })
})

test('--to takes a server that is there, and no server of our own is told of', async () => {
  const server = await bareServer(ECHO)
  const run = netgrace(`scenario --clients 2 --messages 3 --interval 0 --to tcp://127.0.0.1:${server.port}`)
  expect(await run.ended).toBe(0)
  expect(run.stdout).toContain(`2 clients, 3 messages each, to 127.0.0.1:${server.port}\n`)
  expect(run.stdout).not.toMatch(/^ {2}server/m)
})

test('a message that comes back changed is exit 1, and is shown', async () => {
  const server = await bareServer((socket) => {
    socket.on('data', (data) => socket.write(data.toString().replace('#2, count 2', '#2, count two'))).on('end', () => socket.end())
  })
  const run = netgrace(`scenario --clients 3 --messages 3 --interval 0 --to 127.0.0.1:${server.port}`)
  expect(await run.ended).toBe(1)
  expect(run.stdout).toMatch(/^ {6}#2 {5}3 {7}2 {8}1 {5}0 /m)
  expect(run.stdout).toContain('  #2: message 2 of 3 came back as "client #2, count two\\n", not "client #2, count 2\\n"\n')
  expect(run.stdout).toMatch(/\nfailed: 1 of 3 clients failed, 8 of 9 messages echoed, 1 changed on the way, in \d+ ms\n$/)
})

test('a server that is not there is exit 1, and said once for all clients', async () => {
  const { port } = await refusing()
  const run = netgrace(`scenario --to 127.0.0.1:${port}`)
  expect(await run.ended).toBe(1)
  expect(run.stdout).toContain(`  #1–#10: could not connect to 127.0.0.1:${port}: REFUSED: nobody listens there (ECONNREFUSED)\n`)
  expect(run.stdout).toMatch(/^ {2}latency {2}no reply came$/m)
})

test('--timeout bounds a server that never answers, and says what was waited for', async () => {
  const server = await bareServer((socket) => socket.resume())
  const run = netgrace(`scenario --clients 2 --timeout 1s --to 127.0.0.1:${server.port}`)
  expect(await run.ended).toBe(1)
  expect(run.stdout).toMatch(/#\d: not done within 1000 ms: waiting for the reply to message 1 of 10 since \d+ ms/)
  expect(run.stdout).toMatch(/^ {2}replies {2}0 of 2 echoed, 0 changed, 2 lost/m)
})

test('of many clients the table has those that failed, and a count of the others', async () => {
  const server = await bareServer((socket) => {
    socket.on('data', (data) => socket.write(data.toString().replace('client #77', 'CLIENT'))).on('end', () => socket.end())
  })
  const run = netgrace(`scenario --clients 100 --messages 1 --to 127.0.0.1:${server.port}`)
  expect(await run.ended).toBe(1)
  expect(run.stdout.match(/^ +#\d+ /gm)).toEqual(['     #77 '])
  expect(run.stdout).toContain('  and 99 more, none of them failed; --json has them all\n')
})

test('a long run that nobody watches says where it is, ever more rarely', async () => {
  const run = netgrace('scenario --clients 2 --messages 25 --interval 100ms')
  expect(await run.ended).toBe(0)
  const told = run.stderr.trim().split('\n')
  expect(told.length).toBeGreaterThanOrEqual(2) // at 1 s and at 2 s; on a machine that crawls, at 4 s
  for (const line of told) expect(line).toMatch(/^netgrace: \d+\/50 echoed, 0\/2 done, after \d+ ms$/)
  const times = told.map((line) => Number(/(\d+) ms$/.exec(line)![1]))
  expect(times[0]).toBeGreaterThanOrEqual(1000)
  for (const [n, ms] of times.entries()) expect(ms).toBeGreaterThanOrEqual(2 * (times[n - 1] ?? 0) - 1)
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s stops gracefully, prints the report, and is told by the exit code', async (signal) => {
  const run = netgrace('scenario --messages 1000 --interval 100ms')
  await run.printed(/echoed, 0\/10 done/)
  run.child.kill(signal)
  expect(await run.ended).toBe(signal === 'SIGINT' ? 130 : 143)
  expect(run.stdout).toMatch(/ 0 changed, 0 lost, in /)
  expect(run.stdout).toMatch(new RegExp(`#10: stopped before message \\d+ of 1000: ${signal}\n`))
  expect(run.stdout).toMatch(/^ {2}server {3}10 accepted, 10 ended before, 0 drained, 0 forced/m)
  expect(run.stdout).toMatch(/^ {2}leaks {4}no handle left$/m)
  expect(run.stdout.endsWith(`\nstopped by ${signal}\n`)).toBe(true)
})

test('a second signal cuts what is left, and the report still comes', async () => {
  const server = await bareServer((socket) => socket.resume())
  const run = netgrace(`scenario --clients 3 --messages 1000 --to 127.0.0.1:${server.port}`)
  await Promise.all([1, 2, 3].map(() => server.socket().then((socket) => new Promise((resolve) => socket.once('data', resolve)))))
  run.child.kill('SIGINT')
  await run.printed(/SIGINT: waiting for replies on their way/)
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(130)
  expect(run.stderr).toContain('netgrace: SIGTERM again: cut\n')
  expect(run.stdout).toMatch(/stopped and cut while waiting for the reply to message 1 of 1000 since \d+ ms: SIGINT/)
  expect(run.stdout.match(/reset, by us/g)).toHaveLength(3)
  expect(run.stdout).toMatch(/ 3 lost, in /)
})

test('--json tells an interrupt, too', async () => {
  const server = await bareServer(ECHO)
  const run = netgrace(`scenario --clients 1 --messages 1000 --interval 100s --to 127.0.0.1:${server.port} --json`)
  const socket = await server.socket()
  await new Promise((resolve) => socket.once('data', resolve))
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(143)
  expect(JSON.parse(run.stdout)).toMatchObject({
    ok: false,
    interrupted: 'SIGTERM',
    scenario: { sent: 1, echoed: 1, endings: { eof: 1 } },
    server: null,
  })
})

test('a reader that has seen enough is no failure', async () => {
  const run = netgrace('scenario --messages 5')
  run.child.stdout!.once('data', () => run.child.stdout!.destroy())
  expect(await run.ended).toBe(0)
  expect(run.stderr).toBe('')
})

test('a handle that is left is exit 1, and named by its line', async () => {
  const preload = `import net from 'node:net'
    const connect = net.Socket.prototype.connect
    net.Socket.prototype.connect = function (...args) {
      setInterval(() => {}, 1e6).unref()
      return connect.apply(this, args)
    }`
  const file = join(mkdtempSync(join(tmpdir(), 'netgrace-')), 'leaking.mjs')
  writeFileSync(file, preload)
  onTestFinished(() => rmSync(dirname(file), { recursive: true }))
  const run = netgrace('scenario --clients 3 --messages 1', { NODE_OPTIONS: `--import ${pathToFileURL(file).href}` })
  expect(await run.ended).toBe(1)
  expect(run.stdout).toMatch(/^ {2}leaks {4}3 handles left open\n {11}3 × timer setInterval 1000000 ms, opened by .*leaking\.mjs:4:7$/m)
  expect(run.stdout.endsWith('\nfailed: 3 handles left open\n')).toBe(true)
})

describe.skipIf(!hasTerminal)('in a terminal (where util-linux has script)', () => {
  test('the progress is one line that is redrawn, and is gone in the end', async () => {
    const run = inTerminal('scenario')
    expect(await run.ended).toBe(0)
    expect(stripVTControlCharacters(run.stdout)).toMatch(/━+─+ {2}\d\.\d s {2}\d+\/100 echoed {2}0\/10 done/)
    const shown = screen(run.stdout).map(stripVTControlCharacters)
    expect(shown.filter((line) => line.includes('━'))).toEqual([])
    expect(shown.some((line) => line.includes('no handle left'))).toBe(true)
  })

  test.each([60, 80, 120])('no line is longer than %i columns', async (columns) => {
    const server = await bareServer((socket) => {
      socket.on('data', (data) => socket.write(data.toString().replace('count 3', 'count '.repeat(30)))).on('end', () => socket.end())
    })
    const run = inTerminal(`scenario --messages 4 --to 127.0.0.1:${server.port}`, columns)
    expect(await run.ended).toBe(1)
    for (const line of run.stdout.replaceAll(CLEAR_LINE, '\n').split(/[\r\n]+/))
      expect(stripVTControlCharacters(line).length, line).toBeLessThanOrEqual(columns)
    expect(stripVTControlCharacters(run.stdout)).toContain('came back different from byte')
  })

  test('the progress keeps to one line of a narrow terminal, with room for what Ctrl-C prints', async () => {
    const run = inTerminal('scenario --messages 5', 40)
    expect(await run.ended).toBe(0)
    const drawn = run.stdout.split(CLEAR_LINE).map((line) => stripVTControlCharacters(line.split('\r')[0]!))
    const bars = drawn.filter((line) => line.includes('─'))
    expect(bars.length).toBeGreaterThan(0)
    for (const line of bars) expect(line.length, line).toBeLessThanOrEqual(38)
  })

  test('Ctrl-C stops gracefully and prints the report', async () => {
    const run = inTerminal('scenario --messages 1000 --interval 100ms')
    await run.printed(/[1-9]\d*\/10000 echoed/)
    run.child.stdin!.write('\u0003')
    expect(await run.ended).toBe(130)
    const shown = screen(run.stdout).map(stripVTControlCharacters)
    expect(shown).toContain('SIGINT: waiting for replies on their way, 1 s at most; again to cut them')
    expect(shown).toContain('  leaks    no handle left')
    expect(shown.at(-2)).toBe('stopped by SIGINT')
  })

  test('Ctrl-C reaches processes, too, and they are stopped as gracefully', async () => {
    const run = inTerminal('scenario --in process --clients 3 --messages 1000 --interval 50ms')
    await run.printed(/[1-9]\d*\/3000 echoed/)
    run.child.stdin!.write('\u0003')
    expect(await run.ended).toBe(130)
    expect(run.stdout.match(/eof, by us/g)).toHaveLength(3)
    expect(screen(run.stdout).map(stripVTControlCharacters)).toContain('  leaks    no handle left')
  })

  test('Ctrl-C twice cuts a peer that does not answer', async () => {
    const server = await bareServer((socket) => socket.resume())
    const run = inTerminal(`scenario --clients 2 --to 127.0.0.1:${server.port}`)
    await run.printed(/0\/20 echoed/)
    run.child.stdin!.write('\u0003')
    await run.printed(/SIGINT: waiting/)
    await anotherPress()
    run.child.stdin!.write('\u0003')
    expect(await run.ended).toBe(130)
    expect(screen(run.stdout).map(stripVTControlCharacters)).toContain('SIGINT again: cut')
    expect(stripVTControlCharacters(run.stdout)).toMatch(/stopped and cut while waiting for the reply/)
  })

  test('colours are for a terminal, and never with NO_COLOR', async () => {
    const [piped, plain, coloured] = [netgrace('scenario'), inTerminal('scenario', 80, { NO_COLOR: '1' }), inTerminal('scenario')]
    await Promise.all([piped.ended, plain.ended, coloured.ended])
    expect(piped.stdout).not.toContain('\u001B')
    expect(plain.stdout).not.toMatch(/\[\d+m/)
    expect(plain.stdout).toContain('no handle left')
    expect(coloured.stdout).toMatch(/\[\d+m/)
  })
})
