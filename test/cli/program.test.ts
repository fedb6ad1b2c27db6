import { existsSync, readFileSync, statSync } from 'node:fs'

import { expect, test } from 'vitest'

import { hasTerminal, inShell, inTerminal, MAIN, netgrace } from './run.ts'

test.each([
  ['', 'no command given: see netgrace --help'],
  ['serve', "unknown command 'serve' (Did you mean server?)"],
  ['scenari', "unknown command 'scenari' (Did you mean scenario?)"],
  ['scenario --client 3', "unknown option '--client' (Did you mean --clients?)"],
  ['scenario --clients', "option '--clients <n>' argument missing"],
  ['scenario --clients 0', "option '--clients <n>' argument '0' is invalid. It must be a whole number from 1 to 100000."],
  [
    'scenario --clients 99999999999',
    "option '--clients <n>' argument '99999999999' is invalid. It must be a whole number from 1 to 100000.",
  ],
  ['scenario --messages 1e3', "option '--messages <n>' argument '1e3' is invalid. It must be a whole number from 1 to 100000000."],
  ['scenario --clients 100000 --messages 1001', '--clients times --messages must be at most 100000000'],
  ['scenario --in process --workers 9999', "option '--workers <n>' argument '9999' is invalid. It must be a whole number from 1 to 1000."],
  [
    'scenario --interval 100',
    "option '--interval <time>' argument '100' is invalid. It must be a duration such as 500ms, 3s or 2m, of at most 24 days.",
  ],
  ['scenario --timeout 0s', "option '--timeout <time>' argument '0s' is invalid. It must be longer than 0."],
  ['scenario --in space', "option '--in <where>' argument 'space' is invalid. Allowed choices are inline, thread, process."],
  ['scenario --workers 2', '--workers goes with --in thread or --in process'],
  ['server --port 65536', "option '--port <n>' argument '65536' is invalid. It must be a port, from 0 to 65535."],
  ['server --handler eco', "option '--handler <what>' argument 'eco' is invalid. Allowed choices are echo, drip, discard."],
  ['server --delay 3s', '--delay goes with --close graceful, immediate or half'],
  ['server --close never --delay 3s', '--delay goes with --close graceful, immediate or half'],
  ['server --udp --close half', "option '--udp' cannot be used with option '--close <how>'"],
  ['server --tls-cert nowhere.pem', "option '--tls-cert <file>' argument 'nowhere.pem' is invalid. It cannot be read: ENOENT."],
  [
    'server --tls-cert package.json --tls-key package.json',
    "option '--tls-cert <file>' argument 'package.json' is invalid. It must hold a certificate, in PEM.",
  ],
  [
    'server --tls-key package.json',
    "option '--tls-key <file>' argument 'package.json' is invalid. It must hold a private key without a passphrase, in PEM.",
  ],
  ['server --host=', "option '--host <host>' argument '' is invalid. It must be a name or an IP address."],
  ['proxy --to 127.0.0.1:9 --host=', "option '--host <host>' argument '' is invalid. It must be a name or an IP address."],
  ['client --host=', "option '--host <host>' argument '' is invalid. It must be a name or an IP address."],
  [
    'client localhost',
    "command-argument value 'localhost' is invalid for argument 'address'. It must be HOST:PORT, a URL with host and port, or the path of a unix socket.",
  ],
  ['client localhost:9 --port 3', '--port does not go with an address'],
  ['client localhost:9 --servername a', '--servername goes with --tls'],
  ['client --tls --ca package.json', "option '--ca <file>' argument 'package.json' is invalid. It must hold a certificate, in PEM."],
  ['client --tls --servername ::1', "option '--servername <name>' argument '::1' is invalid. It must be a name, and no IP address."],
  [
    'proxy --to redis://me:secret@h:99999',
    "option '--to <address>' argument 'redis://me:***@h:99999' is invalid. It must be HOST:PORT, a URL with host and port, or the path of a unix socket.",
  ],
  ['client --port 0', "option '--port <n>' argument '0' is invalid. It must be a port, from 1 to 65535."],
  ['client --mode talk', "option '--mode <mode>' argument 'talk' is invalid. Allowed choices are read, write, interactive."],
  [
    'scenario --to gopher://me:secret@127.0.0.1',
    "option '--to <address>' argument 'gopher://me:***@127.0.0.1' is invalid. It must be HOST:PORT, a URL with host and port, or the path of a unix socket.",
  ],
  [
    'scenario --to nowhere',
    "option '--to <address>' argument 'nowhere' is invalid. It must be HOST:PORT, a URL with host and port, or the path of a unix socket.",
  ],
  [
    'scenario --to 127.0.0.1:99999',
    "option '--to <address>' argument '127.0.0.1:99999' is invalid. It must be HOST:PORT, a URL with host and port, or the path of a unix socket.",
  ],
  ['proxy', "required option '--to <address>' not specified"],
  ['scenario now', "too many arguments for 'scenario'. Expected 0 arguments but got 1."],
])('netgrace %s: one clear line on stderr, exit 2', async (args, line) => {
  const run = netgrace(args)
  expect(await run.ended).toBe(2)
  expect(run.stderr).toBe(`netgrace: ${line}\n`)
  expect(run.stdout).toBe('')
})

test('what an argument would have a terminal do is written, not done', async () => {
  const run = netgrace('\u001B]0;x\u0007\u009B2J')
  expect(await run.ended).toBe(2)
  expect(run.stderr).toBe("netgrace: unknown command '\\u001b]0;x\\u0007\\u009b2J'\n")
})

test.skipIf(!existsSync('/dev/full')).each([
  ['--help', ''],
  ['server --port 0', ''],
  ['server --port 0 --udp --json', ''],
  ['scenario --clients 1', 'netgrace: stdout failed: waiting for replies on their way, 1 s at most; again to cut them\n'],
  ['scenario --clients 1 --json', ''],
])('netgrace %s > /dev/full: a stdout that fails is one line and exit 1 (where there is such a device)', async (args, also) => {
  const run = inShell((netgraceHere) => `exec ${netgraceHere} ${args} > /dev/full`)
  expect(await run.ended).toBe(1)
  expect(run.stderr).toBe(`netgrace: stdout cannot be written to: ENOSPC: no space left on device, write\n${also}`)
})

test('the program can be run as a file, whatever built it last', () => {
  expect(statSync(MAIN).mode & 0o111).toBe(0o111)
})

test('--version is the version of the package', async () => {
  const run = netgrace('--version')
  expect(await run.ended).toBe(0)
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  expect(run.stdout).toBe(`${version}\n`)
})

test.each(['--help', 'scenario --help', 'server --help', 'client --help', 'proxy --help'])(
  'netgrace %s fits a terminal of 80 columns, and is exit 0',
  async (args) => {
    const run = netgrace(args)
    expect(await run.ended).toBe(0)
    expect(run.stdout).toContain('netgrace')
    for (const line of run.stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
    expect(run.stdout.endsWith('\n')).toBe(true)
  },
)

test
  .skipIf(!hasTerminal)
  .each(['scenario --help', 'server --help', 'client --help', 'proxy --help', 'proxy --to 127.0.0.1:9 --fault slow'])(
  'netgrace %s is broken between words in a narrow terminal (where util-linux has script)',
  async (args) => {
    const [narrow, piped] = [inTerminal(args, 60), netgrace(args)]
    await Promise.all([narrow.ended, piped.ended])
    const words = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()
    expect(words(narrow.stdout)).toBe(words(piped.stdout + piped.stderr))
    for (const line of narrow.stdout.split(/\r?\n/)) expect(line.length, line).toBeLessThanOrEqual(60)
  },
)

test.skipIf(!hasTerminal)('a terminal that says it has 0 columns is taken for one of 80 (where util-linux has script)', async () => {
  const [none, usual] = [inTerminal('proxy --help', 0), inTerminal('proxy --help', 80)]
  await Promise.all([none.ended, usual.ended])
  expect(none.stdout).toBe(usual.stdout)
})

test('the help of scenario names every option with its default', async () => {
  const run = netgrace('scenario --help')
  await run.ended
  for (const option of [
    '--clients <n>',
    '--messages <n>',
    '--interval <time>',
    '--in <where>',
    '--workers <n>',
    '--to <address>',
    '--timeout <time>',
    '--json',
  ]) {
    expect(run.stdout).toContain(option)
  }
  expect(run.stdout.replaceAll(/\s+/g, ' ').match(/default: [^)]+/g)).toEqual([
    'default: 10',
    'default: 10',
    'default: 100ms',
    'default: "inline"',
    'default: one each, up to 16',
    'default: 30s and the pauses',
  ])
})
