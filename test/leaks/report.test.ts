import { describe, expect, test } from 'vitest'

import type { Leak } from '../../src/model/leak.ts'
import { reportLeaks } from '../../src/leaks/report.ts'
import { tableOf } from '../../src/leaks/suite/table.ts'

const gateway = { file: `${process.cwd()}/src/gateway.ts`, line: 41, column: 18, function: 'openUpstream' }
const socket: Leak = {
  kind: 'tcp-socket',
  local: { host: '127.0.0.1', port: 53122 },
  remote: { host: '127.0.0.1', port: 5388 },
  bytesRead: 32,
  bytesWritten: 32,
  unref: false,
  openMs: 214.3,
  site: gateway,
  onBehalfOf: { file: `${process.cwd()}/test/gateway.test.ts`, line: 12, column: 25, function: '' },
  stack: '',
}
const timer: Leak = {
  kind: 'timer',
  detail: 'setInterval 500 ms',
  unref: true,
  openMs: 214,
  site: { ...gateway, line: 77, column: 5, function: 'startHeartbeat' },
  stack: '',
}
const after = '250 ms after "my gateway closes every socket that it opened"'

describe('the report', () => {
  test('words a thousand lines, and counts the rest', () => {
    const leaks = Array.from({ length: 130_000 }, (_, n) => ({ ...timer, site: { ...gateway, line: n % 65_000 } }))
    const lines = reportLeaks(leaks, after, 'failOnLeaks({ ignore: [FILTER] })').split('\n')
    expect(lines[0]).toBe(`130000 handles were still open ${after}`)
    expect(lines.filter((line) => line.includes('started by'))).toHaveLength(1000)
    expect(lines.slice(-3)).toEqual([
      '  and 128000 more, opened by 64000 other lines',
      '',
      "  Shared on purpose?  failOnLeaks({ ignore: [{ file: 'src/gateway.ts' }] })",
    ])
  })

  test('is what the contract shows', () => {
    expect(reportLeaks([socket, timer], after, "failOnLeaks({ ignore: [FILTER] })  or  at: 'file'")).toBe(`\
2 handles were still open 250 ms after "my gateway closes every socket that it opened"

  tcp-socket  127.0.0.1:53122 → 127.0.0.1:5388   open 214 ms, sent 32 B, received 32 B
      opened by openUpstream   src/gateway.ts:41:18
      on behalf of             test/gateway.test.ts:12:25
  timer       setInterval 500 ms, unref'd
      started by startHeartbeat   src/gateway.ts:77:5

  Shared on purpose?  failOnLeaks({ ignore: [{ file: 'src/gateway.ts' }] })  or  at: 'file'`)
  })

  test('tells a line once, however often it leaked', () => {
    const report = reportLeaks([socket, timer, socket, { ...socket, openMs: 3 }], after, '')
    expect(report).toContain('4 handles were still open')
    expect(report).toContain('              and 2 more that this line opened\n')
    expect(report.match(/openUpstream/g)).toHaveLength(1)
  })

  test.each([
    [{ package: 'pg@8.23.1' }, 'opened by pg 8.23.1, used by openUpstream   src/gateway.ts:41:18'],
    [{ package: '@redis/client@1.2.3' }, 'opened by @redis/client 1.2.3, used by openUpstream   src/gateway.ts:41:18'],
    [
      { package: 'got', site: { ...gateway, file: '/app/node_modules/got/index.js' } },
      'opened by got   /app/node_modules/got/index.js:41:18',
    ],
    [{ scope: 'a > b' }, 'in                       "a > b"'],
  ])('%o', (more, line) => {
    expect(reportLeaks([{ ...socket, ...more }], after, '')).toContain(`\n      ${line}`)
  })

  test('what a package opened of its own accord is to be ignored by its name', () => {
    const site = { ...gateway, file: '/app/node_modules/@redis/client/index.js' }
    expect(reportLeaks([{ ...socket, site, package: '@redis/client@1.2.3' }], after, 'hint FILTER')).toMatch(
      /hint \{ package: '@redis\/client' \}$/,
    )
  })

  test('of a handle that nobody can be told for', () => {
    const { site: _, onBehalfOf: __, ...nobodys } = socket
    const report = reportLeaks([nobodys], after, 'hint FILTER')
    expect(report).toContain('opened by Node, for code that cannot be told')
    expect(report).not.toContain('hint')
  })

  test.each([
    [{ kind: 'tcp-listener', remote: undefined }, 'tcp-listener  127.0.0.1:53122   open 214 ms\n'],
    [{ kind: 'unix-socket', local: undefined, remote: { path: '/tmp/s' } }, 'unix-socket  → unix:/tmp/s   open 214 ms'],
    [
      { kind: 'child-process', local: undefined, remote: undefined, bytesWritten: undefined, detail: 'sleep 5', pid: 7 },
      'child-process  sleep 5   open 214 ms, pid 7\n',
    ],
    [{ kind: 'worker', local: undefined, remote: undefined, bytesWritten: undefined }, 'worker  open 214 ms\n'],
  ])('%o', (more, line) => {
    const leak = Object.fromEntries(Object.entries({ ...socket, ...more }).filter(([, value]) => value !== undefined)) as unknown as Leak
    expect(reportLeaks([leak], after, '')).toContain(`\n  ${line}`)
  })
})

describe('the table', () => {
  test('is grouped by line, the worst first', () => {
    const rows = [timer, socket, socket].map((leak, n) => ({ leak, testFile: `test/${n}.test.ts` }))
    expect(tableOf(rows)).toBe(`\
3 handles outlived their test file, opened by 2 lines

  2  tcp-socket  src/gateway.ts:41:18  openUpstream    2 test files
  1  timer       src/gateway.ts:77:5   startHeartbeat  test/0.test.ts`)
  })

  test('tells what was accepted from what was dialled at the same line, as the report does', () => {
    const accepted: Leak = { ...socket, detail: 'accepted' }
    const table = tableOf([
      { leak: accepted, testFile: 'test/0.test.ts' },
      { leak: socket, testFile: 'test/0.test.ts' },
    ])
    expect(table).toContain('2 handles outlived their test file, opened by 2 lines')
    expect(table).toMatch(/^ {2}1 {2}tcp-socket accepted {2}src\/gateway\.ts:41:18/m)
    expect(table).toMatch(/^ {2}1 {2}tcp-socket {11}src\/gateway\.ts:41:18/m)
    expect(reportLeaks([accepted], after, '')).toContain('accepted')
  })

  test("names the first test where the line is a package's, and no test where it is the user's", () => {
    const ofPackage: Leak = {
      ...socket,
      site: { ...gateway, file: `${process.cwd()}/node_modules/bullmq/dist/queue.js` },
      package: 'bullmq@5.1.0',
    }
    const rows = ['adds a job', 'removes a job'].map((scope) => ({ leak: { ...ofPackage, scope }, testFile: 'test/0.test.ts' }))
    expect(tableOf(rows)).toMatch(
      /^ {2}2 {2}tcp-socket .* {2}openUpstream \(bullmq 5\.1\.0\) {2}test\/0\.test\.ts, first in "adds a job"$/m,
    )
    expect(tableOf([{ leak: { ...socket, scope: 'adds a job' }, testFile: 'test/0.test.ts' }])).not.toContain('first in')
  })

  test('of nothing is empty', () => expect(tableOf([])).toBe(''))
})
