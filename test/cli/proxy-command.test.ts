import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

import { describe, expect, onTestFinished, test } from 'vitest'

import { connect } from '../../src/index.ts'
import { certificate } from '../certificate.ts'
import { bareClient, bareServer, dialBare, eventsOf, refusing, textOf } from '../support.ts'
import { foreign, has, listeningForeign, temporaryFolder } from './foreign.ts'
import { anotherPress, CLEAR_LINE, hasTerminal, inTerminal, netgrace, screen, type Run } from './run.ts'

const ECHO = (socket: Socket): void => void socket.on('data', (data) => socket.write(data)).on('end', () => socket.end())

/** A server that sends `text` and closes. */
const SAYS =
  (text: string) =>
  (socket: Socket): void =>
    void socket.resume().end(text)

/** Starts `netgrace proxy` in front of a port, and waits until it listens. */
async function proxying(
  to: { readonly port: number },
  args = '',
  start: (args: string) => Run = netgrace,
): Promise<{ run: Run; port: number }> {
  const run = start(`proxy --to 127.0.0.1:${to.port} ${args}`)
  await run.printed(/Ctrl-C\s+stops/)
  return { run, port: Number(/:(\d+)/.exec(stripVTControlCharacters(run.stdout))![1]) }
}

async function stopped(run: Run): Promise<string[]> {
  run.child.kill('SIGINT')
  expect(await run.ended).toBe(0)
  return run.stdout.split('\n')
}

test('says where it listens and to whom, the seed, the life of each link, and what became of all', async () => {
  const server = await bareServer(ECHO)
  const { run, port } = await proxying(server, '--seed 7')
  expect(run.stdout).toBe(
    `listening on tcp://127.0.0.1:${port}, to 127.0.0.1:${server.port}: seed 7; Ctrl-C stops\n  no fault: everything passes\n`,
  )
  const client = await bareClient({ port })
  const { localPort } = client
  client.write('hello')
  expect(String((await once(client, 'data'))[0])).toBe('hello')
  client.end()
  await run.printed(/over/)
  const lines = (await stopped(run)).slice(2)
  expect(lines.map((line) => line.replace(/^ +\d+\.\d{3} s /, 'T').replace(/\d+\.\d+ ms/, 'T'))).toEqual([
    `T #1   connected from 127.0.0.1:${localPort}`,
    'T #1   client   EOF: the peer closed the connection gracefully',
    expect.stringMatching(/^T #1 {3}upstream EOF: we closed first, and the peer closed gracefully in answer/),
    'T #1   over: 5 B upstream, 5 B downstream',
    'SIGINT: stopping',
    'stopped: 1 accepted, 1 ended before, 0 drained, 0 forced, 0 late (T); passed on 5 B upstream, 5 B downstream',
    '',
  ])
  expect(run.stderr).toBe('')
})

test('exactly 1,000 bytes, then a reset: the client and the log agree', async () => {
  const { run, port } = await proxying(await bareServer(SAYS('x'.repeat(5000))), '--fault reset --direction downstream --after bytes=1000')
  const client = await connect({ host: '127.0.0.1', port }) // a bare one may take a reset right behind data for an end, before Node 24
  expect(await client.readToEnd()).toHaveLength(1000)
  expect(await client.ended).toMatchObject({ kind: 'reset', by: 'peer' })
  await run.printed(/over: 0 B upstream, 1000 B downstream/)
  await stopped(run)
  expect(run.stdout).toMatch(/#1 {3}hit by reset\(\) downstream, after 1000 bytes\n/)
  expect(run.stdout).toMatch(/#1 {3}client {3}RST: connection reset by us\n/)
  expect(run.stdout).toMatch(/\n {2}reset\(\) downstream, after 1000 bytes: hit 1 link\n$/)
})

describe('what says where and when', () => {
  test.each([
    [
      'belongs to the fault before it',
      '--fault stall --direction upstream --after bytes=10,ms=1s --fault reset --times 2 --probability 0.5',
      ['stall() upstream, after 10 bytes, after 1000 ms', 'reset() both ways, 2 times at most, with probability 0.5'],
    ],
    [
      'is for all faults, if it stands before the first; a fault’s own goes first',
      '--direction downstream --times 1 --fault stall --fault reset --direction upstream',
      ['stall() downstream, once at most', 'reset() upstream, once at most'],
    ],
    [
      'may be a text with commas, or a regular expression',
      '--fault stall --after match=a,b=c,bytes=3 --fault stall --after match=/GET.\\w+/i --fault stall --after match=/api/users',
      ['stall() both ways, after 3 bytes, after "a,b=c"', 'stall() both ways, after /GET.\\w+/i', 'stall() both ways, after "/api/users"'],
    ],
    [
      'times are in milliseconds, or with their unit',
      '--fault latency:ms=1.5s,jitterMs=20ms --after ms=250 --fault slowClose:ms=3',
      ['latency({"ms":1500,"jitterMs":20}) both ways, after 250 ms', 'slowClose({"ms":3}) both ways'],
    ],
  ])('%s', async (_what, args, faults) => {
    const { run } = await proxying(await bareServer(ECHO), args)
    const listed = run.stdout.split('\n').slice(1, -1)
    expect(listed).toEqual(faults.map((fault) => `  ${fault}`))
    const lines = await stopped(run)
    expect(lines.slice(-1 - faults.length, -1)).toEqual(faults.map((fault) => `  ${fault}: met nothing`)) // and that is no failure
  })

  test('--links are numbers of links, --times so many of them', async () => {
    const { run, port } = await proxying(await bareServer(SAYS('hello')), '--fault reset --links 2,4- --times 2')
    const seen: string[] = []
    for (let n = 0; n < 5; n++) {
      const events = await eventsOf(dialBare({ port }, { allowHalfOpen: false })) // a reset can be there before the connect is seen
      seen.push(events.find((event) => event !== 'connect')!)
      await run.printed(new RegExp(`#${n + 1} +over`))
    }
    expect(seen).toEqual(['end', 'ECONNRESET', 'end', 'ECONNRESET', 'end'])
    expect(await stopped(run)).toContain('  reset() both ways, on chosen links, 2 times at most: hit 2 links')
  })
})

test('every fault can be written as --help writes it', async () => {
  const help = netgrace('proxy --help')
  await help.ended
  const [tcp, udp] = help.stdout.split('What goes wrong')[1]!.split('With --udp:')
  const faultsIn = (text: string): string[] => [...text.matchAll(/^ {2}([a-zA-Z]+\S*) {2,}/gm)].map((match) => match[1]!)
  expect([faultsIn(tcp!).length, faultsIn(udp!.split('Where')[0]!).length]).toEqual([12, 8])
  for (const [args, faults] of [
    ['', faultsIn(tcp!)],
    ['--udp ', faultsIn(udp!.split('Where')[0]!)],
  ] as const) {
    const { run } = await proxying(await bareServer(ECHO), args + faults.map((fault) => `--fault ${fault}`).join(' '))
    const names = run.stdout.split('\n').slice(1, -1)
    expect(names.map((line) => line.trim().split('(')[0])).toEqual(faults.map((fault) => fault.split(':')[0]))
    await stopped(run)
  }
})

test('the same seed hits the same bits, another one others', async () => {
  const server = await bareServer(SAYS('A'.repeat(64)))
  const texts: string[] = []
  for (const seed of [1, 1, 2]) {
    const { run, port } = await proxying(server, `--fault corrupt --seed ${seed}`)
    texts.push(await textOf(await bareClient({ port }, { allowHalfOpen: false })))
    await run.printed(/over/)
    await stopped(run)
  }
  const [first, again, other] = texts
  expect(first).toHaveLength(64)
  expect(first).not.toBe('A'.repeat(64))
  expect(again).toBe(first)
  expect(other).not.toBe(first)
})

test('a stalled link is told as hit while it is open, and is cut at the second signal: exit 1', async () => {
  const { run, port } = await proxying(await bareServer(ECHO), '--fault stall')
  const client = await bareClient({ port })
  client.write('hello')
  await run.printed(/#1 {3}hit by stall\(\) both ways/)
  run.child.kill('SIGTERM')
  await run.printed(/SIGTERM: stopping, 1 link may finish within 1 s; again to cut them/)
  await anotherPress()
  run.child.kill('SIGTERM')
  client.resume()
  expect(await run.ended).toBe(1)
  expect(run.stdout).toMatch(/#1 {3}over: 0 B upstream, 0 B downstream; cut\nstopped: 1 accepted, 0 ended before, 0 drained, 1 forced/)
  expect(Number(/\(([\d.]+) ms\)/.exec(run.stdout)![1])).toBeLessThan(1000) // what the grace is
})

test('--to keeps the rest of a URL, and takes the path of a unix socket', async () => {
  const server = await bareServer(ECHO)
  const run = netgrace(`proxy --to postgres://me@127.0.0.1:${server.port}/shop?x=1`)
  await run.printed(/Ctrl-C stops/)
  expect(run.stdout).toMatch(new RegExp(`^listening on postgres://me@127\\.0\\.0\\.1:\\d+/shop\\?x=1, to 127\\.0\\.0\\.1:${server.port}: `))
  await stopped(run)

  const path = join(temporaryFolder(), 'a.sock')
  const unix = createServer({ allowHalfOpen: true }, ECHO).listen(path)
  await once(unix, 'listening')
  onTestFinished(() => void unix.close())
  const other = netgrace(`proxy --to ${path}`)
  await other.printed(/Ctrl-C stops/)
  const [, port] = new RegExp(`^listening on tcp://127\\.0\\.0\\.1:(\\d+), to unix:${path}: `).exec(other.stdout)!
  const client = await bareClient({ port: Number(port) })
  client.end('through')
  expect(await textOf(client)).toBe('through')
  await stopped(other)
})

test('a server that is never there is said link by link and at the end, and exits 1', async () => {
  const dead = await refusing()
  const { run, port } = await proxying(dead)
  expect(await eventsOf(dialBare({ port }))).toContain('ECONNRESET')
  await run.printed(/#1 {3}over/)
  run.child.kill('SIGINT')
  expect(await run.ended).toBe(1)
  expect(run.stdout).toMatch(new RegExp(`nothing listens at 127\\.0\\.0\\.1:${dead.port}\\s+\\(ECONNREFUSED\\)`))
})

test('a server that has gone away is told link by link, and its clients are reset', async () => {
  const server = await bareServer(ECHO)
  const { run, port } = await proxying(server)
  const before = dialBare({ port })
  before.end('?')
  await textOf(before)
  await run.printed(/#1 {3}over/)
  await server.close()
  expect(await eventsOf(dialBare({ port }))).toContain('ECONNRESET')
  await run.printed(/#2 {3}upstream REFUSED: /)
  await run.printed(/#2 {3}over/)
  await stopped(run)
})

test.each(['', '--udp'])('a preferred port that is taken gives a free one, and says so %s', async (args) => {
  const taken = await bareServer(ECHO)
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  socket.bind(taken.port, '127.0.0.1')
  await once(socket, 'listening')
  const run = netgrace(`proxy --to 127.0.0.1:${taken.port} --port ${taken.port} ${args}`)
  await run.printed(/Ctrl-C stops/)
  expect(run.stdout.startsWith(`port ${taken.port} is not free: another one it is\nlistening on `)).toBe(true)
  expect(run.stdout).not.toContain(`listening on tcp://127.0.0.1:${taken.port},`)
  await stopped(run)
})

describe('--json', () => {
  const events = (run: Run): Record<string, unknown>[] =>
    run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)

  test('is an object a line: listening, connected, hit, both endings, over, totals, stopping, stopped', async () => {
    const server = await bareServer(ECHO)
    const run = netgrace(
      `proxy --to 127.0.0.1:${server.port} --json --seed 3 --fault latency:ms=1 --fault stall --direction upstream --after match=never`,
    )
    await run.printed(/"listening"/)
    const { port } = events(run)[0] as { port: number }
    const client = await bareClient({ port })
    client.end('hello')
    expect(await textOf(client)).toBe('hello')
    await run.printed(/"totals","open":0,"opened":1,/)
    await stopped(run)
    const told = events(run)
    expect(told.filter(({ event }) => event !== 'totals')).toMatchObject([
      {
        event: 'listening',
        url: `tcp://127.0.0.1:${port}`,
        wanted: 0,
        to: { host: '127.0.0.1', port: server.port },
        seed: 3,
        faults: ['latency({"ms":1}) both ways', 'stall() upstream, after "never"'],
      },
      { event: 'connected', id: 1, client: { host: '127.0.0.1' } },
      { event: 'hit', id: 1, fault: 'latency({"ms":1}) both ways' },
      { event: 'client-ended', id: 1, ending: { kind: 'eof', by: 'peer' } },
      { event: 'upstream-ended', id: 1, ending: { kind: 'eof', by: 'local' } },
      { event: 'over', id: 1, bytes: { upstream: 5, downstream: 5 }, faults: ['latency({"ms":1}) both ways'], forced: false },
      { event: 'stopping', interrupt: 'SIGINT', live: 0 },
      {
        event: 'stopped',
        ok: true,
        report: { accepted: 1, forced: [] },
        passed: { upstream: 5, downstream: 5 },
        hits: [{ hits: 1 }, { fault: 'stall() upstream, after "never"', hits: 0 }],
      },
    ])
    expect(told.findLast(({ event }) => event === 'totals')).toMatchObject({
      open: 0,
      opened: 1,
      passed: { upstream: 5, downstream: 5 },
      hits: [{ hits: 1 }, { hits: 0 }],
    })
    expect(run.stderr).toBe('')
  })
})

describe('--udp', () => {
  async function udpEcho(): Promise<{ port: number }> {
    const socket = createSocket('udp4')
    onTestFinished(() => void socket.close())
    socket.on('message', (datagram, { port, address }) => socket.send(datagram, port, address)).bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return { port: socket.address().port }
  }

  /** Asks so often, one question at a time, and gives what was answered before the last, which nothing may happen to. */
  async function ask(port: number, questions: readonly string[]): Promise<string[]> {
    const socket = createSocket('udp4')
    onTestFinished(() => void socket.close())
    const answers: string[] = []
    socket.on('message', (datagram) => answers.push(String(datagram)))
    for (const question of questions) socket.send(question, port, '127.0.0.1')
    while (!answers.includes(questions.at(-1)!)) await once(socket, 'message')
    return answers
  }

  test('passes datagrams on, loses the first two that come back, and counts them', async () => {
    const { run, port } = await proxying(await udpEcho(), '--udp --fault drop --direction downstream --times 2')
    expect(run.stdout).toMatch(/^listening on udp:\/\//)
    expect(await ask(port, ['one', 'two', 'three', 'four'])).toEqual(['three', 'four'])
    await stopped(run)
    expect(run.stdout).toMatch(/#1 {3}datagrams from 127\.0\.0\.1:\d+\n/)
    expect(run.stdout).toMatch(/#1 {3}over: upstream 4 came, 4 passed on; downstream 4 came, 2 passed on\n/)
    expect(run.stdout).toMatch(
      /\nstopped: 1 session; datagrams upstream 4 came, 4 passed on; downstream 4 came, 2 passed on \([\d.]+ ms\)\n/,
    )
    expect(run.stdout).toMatch(/\n {2}drop\(\) downstream, 2 times at most: hit 2 datagrams\n$/)
  })

  test('a server that receives nothing is said once for each client', async () => {
    const gone = createSocket('udp4').bind(0, '127.0.0.1')
    await once(gone, 'listening')
    const { port: nobody } = gone.address()
    gone.close()
    const { run, port } = await proxying({ port: nobody }, '--udp')
    const socket = createSocket('udp4')
    onTestFinished(() => void socket.close())
    socket.send('anybody?', port, '127.0.0.1')
    await run.printed(/#1 {3}failed: .*ECONNREFUSED/)
    await stopped(run)
  })
})

describe.skipIf(!hasTerminal)('in a terminal (where util-linux has script)', () => {
  test('the totals are one line that is redrawn and is gone in the end; Ctrl-C stops', async () => {
    const { run, port } = await proxying(await bareServer(ECHO), '--fault latency:ms=1', inTerminal)
    await run.printed(/0\/0 links open {2}up 0 B/)
    const client = await bareClient({ port })
    client.write('hello')
    await run.printed(/1\/1 links open {2}up 5 B \(\d+ B\/s\) {2}down 5 B \(\d+ B\/s\) {2}latency 1/)
    client.end().resume()
    await run.printed(/0\/1 links open/)
    run.child.stdin!.write('\u0003')
    expect(await run.ended).toBe(0)
    const shown = screen(stripVTControlCharacters(run.stdout.replaceAll(CLEAR_LINE, '\u0001')).replaceAll('\u0001', CLEAR_LINE))
    expect(shown.filter((line) => / open /.test(line))).toEqual([])
    expect(shown.filter((line) => /connected from|over:|stopped:/.test(line))).toHaveLength(3)
  })

  test.each([80, 60])('no line is longer than %d columns', async (columns) => {
    const { run, port } = await proxying(
      await bareServer(SAYS('hello')),
      '--fault latency:ms=1 --fault slicer:size=1 --fault corrupt',
      (args) => inTerminal(args, columns),
    )
    const client = await bareClient({ port })
    await eventsOf(client.end())
    await run.printed(/over:/)
    await run.printed(/0\/1 links open/)
    run.child.stdin!.write('\u0003')
    expect(await run.ended).toBe(0)
    for (const line of run.stdout.split(/\r?\n/).flatMap((each) => each.split(CLEAR_LINE))) {
      expect(stripVTControlCharacters(line).trimEnd().length, line).toBeLessThanOrEqual(columns)
    }
  })
})

describe('between peers that are not ours', () => {
  test.skipIf(!has('nc') || !has('socat'))('nc asks, socat answers (where there are both)', async () => {
    const port = await listeningForeign('socat', ['-d', '-d', 'TCP-LISTEN:0,bind=127.0.0.1,fork', 'PIPE'], /listening on .*:(\d+)/)
    const proxy = await proxying({ port }, '--fault slicer:size=1,gapMs=1')
    expect(await foreign('nc', ['-N', '127.0.0.1', String(proxy.port)], 'hello\n')).toBe('hello\n')
    await proxy.run.printed(/#1 {3}client {3}EOF: the peer closed/)
    await proxy.run.printed(/#1 {3}over: 6 B upstream, 6 B downstream/)
    await stopped(proxy.run)
  })

  test.skipIf(!has('curl') || !has('python3'))(
    'curl reads from python’s web server, no faster than allowed (where there are both)',
    async () => {
      const folder = temporaryFolder()
      writeFileSync(join(folder, 'file'), 'x'.repeat(20_000))
      const args = ['-u', '-m', 'http.server', '0', '--bind', '127.0.0.1', '--directory', folder]
      const port = await listeningForeign('python3', args, /port (\d+)/)
      const proxy = await proxying({ port }, '--fault bandwidth:bytesPerSecond=40000 --direction downstream')
      const startedAtMs = performance.now()
      expect(await foreign('curl', ['-s', `http://127.0.0.1:${proxy.port}/file`])).toHaveLength(20_000)
      expect(performance.now() - startedAtMs).toBeGreaterThan(480)
      await proxy.run.printed(/#1 {3}over/)
      await stopped(proxy.run)
    },
  )

  test.skipIf(!has('openssl'))('openssl s_client: TLS passes through, in whatever pieces (where there is openssl)', async () => {
    const folder = temporaryFolder()
    const { key, cert } = certificate()
    writeFileSync(join(folder, 'key.pem'), key)
    writeFileSync(join(folder, 'cert.pem'), cert)
    const server = netgrace(`server --port 0 --tls-cert ${folder}/cert.pem --tls-key ${folder}/key.pem --close graceful --delay 1s`)
    await server.printed(/Ctrl-C stops/)
    const proxy = await proxying({ port: Number(/:(\d+)/.exec(server.stdout)![1]) }, '--fault slicer:size=100,variation=50')
    const args = ['s_client', '-quiet', '-verify_return_error', '-CAfile', join(folder, 'cert.pem'), '-connect', `127.0.0.1:${proxy.port}`]
    expect(await foreign('openssl', args, 'hello\n')).toBe('hello\n')
    await proxy.run.printed(/#1 {3}over/)
    await stopped(proxy.run)
  })

  test.skipIf(!has('python3'))('a python sees the answer to its COMMIT lost by a reset (where there is python3)', async () => {
    const { run, port } = await proxying(await bareServer(ECHO), '--fault reset --after match=COMMIT')
    const code = `import socket
s = socket.create_connection(('127.0.0.1', ${port}))
s.sendall(b'BEGIN;'); print(s.recv(100).decode())
s.sendall(b'COMMIT;')
try: print('answered', s.recv(100))
except ConnectionResetError: print('reset')`
    expect(await foreign('python3', ['-c', code])).toBe('BEGIN;\nreset\n')
    await run.printed(/#1 {3}hit by reset\(\) both ways, after "COMMIT"/)
    await run.printed(/#1 {3}over/)
    await stopped(run)
  })
})
