import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { hasTerminal, inTerminal, netgrace } from './run.ts'

test.each([
  ['', 'no command given: see netgrace --help'],
  ['serve', "unknown command 'serve' (Did you mean server?)"],
  ['scenari', "unknown command 'scenari' (Did you mean scenario?)"],
  ['scenario --client 3', "unknown option '--client' (Did you mean --clients?)"],
  ['scenario --clients', "option '--clients <n>' argument missing"],
  ['scenario --clients 0', "option '--clients <n>' argument '0' is invalid. It must be a whole number from 1."],
  ['scenario --messages 1e3', "option '--messages <n>' argument '1e3' is invalid. It must be a whole number from 1."],
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
  ['server --tls-cert package.json', '--tls-cert and --tls-key go together'],
  ['client --port 0', "option '--port <n>' argument '0' is invalid. It must be a port, from 1 to 65535."],
  ['client --mode talk', "option '--mode <mode>' argument 'talk' is invalid. Allowed choices are read, write, interactive."],
  [
    'scenario --to gopher://me:secret@127.0.0.1',
    "option '--to <address>' argument 'gopher://me:***@127.0.0.1' is invalid. It must be HOST:PORT, or a URL with host and port.",
  ],
  ['scenario --to nowhere', "option '--to <address>' argument 'nowhere' is invalid. It must be HOST:PORT, or a URL with host and port."],
  [
    'scenario --to 127.0.0.1:99999',
    "option '--to <address>' argument '127.0.0.1:99999' is invalid. It must be HOST:PORT, or a URL with host and port.",
  ],
  ['proxy', "required option '--to <address>' not specified"],
  ['scenario now', "too many arguments for 'scenario'. Expected 0 arguments but got 1."],
])('netgrace %s: one clear line on stderr, exit 2', async (args, line) => {
  const run = netgrace(args)
  expect(await run.ended).toBe(2)
  expect(run.stderr).toBe(`netgrace: ${line}\n`)
  expect(run.stdout).toBe('')
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
