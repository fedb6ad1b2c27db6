import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import type { TableRow } from '../../../src/leaks/suite/table.ts'
import { bundled } from '../bundle.ts'

const accepted = bundled('leaks/suite/accepted.ts')
let folder = ''
/** Called when a program says something on its standard error. */
let begun = (): void => {}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'netgrace-accepted-'))
  for (const file of ['a.test.ts', 'b.test.ts']) writeFileSync(join(folder, file), '')
})
afterEach(() => rmSync(folder, { recursive: true }))

function row(scope: string, testFile = 'a.test.ts'): TableRow {
  const site = { file: join(folder, 'src.ts'), line: 1, column: 1, function: 'open' }
  return { testFile, leak: { kind: 'timer', unref: false, openMs: 1, stack: '', site, scope } }
}

/** Runs code with `accept` and `Allowance` in a process of its own, which began in the folder. Gives what it prints, or threw. */
async function inFolder(code: string, ...rows: readonly TableRow[]): Promise<string> {
  const program = `
    const { accept, Allowance } = await import(${JSON.stringify(accepted())})
    const rows = ${JSON.stringify(rows)}
    process.chdir('/')
    try { console.log(await (async () => { ${code} })()) } catch (error) { console.log(error.message) }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd: folder })
  let output = ''
  child.stdout.on('data', (data) => (output += String(data)))
  child.stderr.once('data', () => begun())
  await once(child, 'close')
  return output.trim()
}

const acceptAll = `return accept(rows, { testFiles: ['a.test.ts'], isSkipped: (test) => test === 'skipped' })`
const beyond = `return new Allowance().beyond(rows).map(({ leak }) => leak.scope).join()`

function list(): { test: string; count: number }[] {
  return JSON.parse(readFileSync(join(folder, 'netgrace-leaks.json'), 'utf8')) as { test: string; count: number }[]
}

test('each test has its own, as often as it was accepted; a new one in the same file is new', async () => {
  expect(await inFolder(acceptAll, row('one'), row('one'), row('two'))).toBe('netgrace: netgrace-leaks.json: 3 of a.test.ts accepted')
  expect(list().map(({ test: name, count }) => [name, count])).toEqual([
    ['one', 2],
    ['two', 1],
  ])
  expect(await inFolder(beyond, row('one'), row('two'), row('one'), row('one'), row('new'), row('one', 'b.test.ts'))).toBe('one,new,one')
})

test('accepting again drops what is mended, and says so; tests that did not run and other files stay', async () => {
  await inFolder(acceptAll, row('mended'), row('mended'), row('skipped'), row('stays'), row('other', 'b.test.ts'))
  expect(await inFolder(acceptAll, row('stays'))).toBe(
    'netgrace: netgrace-leaks.json: 1 of a.test.ts accepted, 2 that no longer leak dropped',
  )
  expect(list().map(({ test: name }) => name)).toEqual(['skipped', 'stays', 'other'])
  rmSync(join(folder, 'b.test.ts'))
  await inFolder(acceptAll)
  expect(list().map(({ test: name }) => name)).toEqual(['skipped'])
})

test('a list that cannot be read, or holds something else, is refused with its path', async () => {
  for (const text of ['{', '{}', '[null]', '[{ "file": "a", "function": "", "kind": "timer" }]']) {
    writeFileSync(join(folder, 'netgrace-leaks.json'), text)
    expect(await inFolder(beyond, row('one'))).toMatch(
      /netgrace-leaks\.json (?:cannot be read|must hold).*Delete it, and run with NETGRACE_LEAKS=accept/,
    )
  }
})

test('waits for another process that writes', async () => {
  const lock = join(folder, 'netgrace-leaks.json.lock')
  writeFileSync(lock, `${hostname()} ${process.pid}`)
  begun = () => void setTimeout(() => rmSync(lock), 300) // far longer than so many tries without a rest take
  const waiting = inFolder(`process.stderr.write('x'); ${acceptAll}`, row('one'))
  expect(await waiting).toContain('1 of a.test.ts accepted')
})

test('gives up a lock that stays, and takes one whose process is gone', async () => {
  const lock = join(folder, 'netgrace-leaks.json.lock')
  writeFileSync(lock, 'elsewhere 1')
  expect(await inFolder(acceptAll, row('one'))).toMatch(/netgrace-leaks\.json\.lock stays: delete it if no run is under way$/)
  const gone = spawn(process.execPath, ['-e', ''])
  await once(gone, 'close')
  writeFileSync(lock, `${hostname()} ${gone.pid}`)
  expect(await inFolder(acceptAll, row('one'))).toContain('1 of a.test.ts accepted')
  expect(existsSync(lock)).toBe(false)
})
