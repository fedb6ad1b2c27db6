import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

import { describe, expect, test } from 'vitest'

import { importsOf, wrongImports } from './imports.ts'

const SRC = join(import.meta.dirname, '..', 'src')
const packages = Object.keys((JSON.parse(readFileSync(join(SRC, '..', 'package.json'), 'utf8')) as { dependencies: object }).dependencies)

function sources(): Record<string, string> {
  const entries = readdirSync(SRC, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts')).map((entry) => join(entry.parentPath, entry.name))
  return Object.fromEntries(paths.map((path) => [relative(SRC, path).split(sep).join('/'), readFileSync(path, 'utf8')]))
}

test('the house stands as the design says', () => {
  const files = sources()
  expect(Object.keys(files).length).toBeGreaterThan(10)
  expect(wrongImports(files, packages)).toStrictEqual([])
})

describe('the reader of import lines', () => {
  test.each([
    ["import net from 'node:net'", 'node:net', false],
    ["import type { Socket } from 'node:net'", 'node:net', true],
    ["import { type Socket } from 'node:net'", 'node:net', false],
    ["import net, { type Socket } from 'node:net'", 'node:net', false],
    ["import * as net from 'node:net'", 'node:net', false],
    ["import type from './type.ts'", './type.ts', false],
    ["import './side-effect.ts'", './side-effect.ts', false],
    ["import {\n  one,\n  two,\n} from './a.ts'", './a.ts', false],
    ["import type {\n  One,\n} from './a.ts'", './a.ts', true],
    ["export { one } from './a.ts'", './a.ts', false],
    ["export * from './a.ts'", './a.ts', false],
    ["export type { One } from './a.ts'", './a.ts', true],
    ["const net = await import('node:net')", 'node:net', false],
    ["const net = require('node:net')", 'node:net', false],
  ])('reads %j', (source, specifier, typeOnly) => {
    expect(importsOf(source)).toStrictEqual([{ specifier, typeOnly }])
  })

  test.each([
    ["/**\n * import { expect } from 'vitest'\n */"],
    ["// import net from 'node:net'"],
    ["const a = 1 // import('node:net')"],
    ["export const text = 'a line from here'"],
    ["const url = 'tcp://127.0.0.1:80'"],
  ])('reads nothing from %j', (source) => {
    expect(importsOf(source)).toStrictEqual([])
  })

  test('reads every line of a file', () => {
    const source = "import a from './a.ts'\nimport type { B } from './b.ts'\n\nexport const c = 'x'\nexport { d } from './d.ts'\n"
    expect(importsOf(source).map((line) => line.specifier)).toStrictEqual(['./a.ts', './b.ts', './d.ts'])
  })
})

describe('the checker allows', () => {
  test.each<[what: string, files: Record<string, string>]>([
    ['what stands below', { 'server/a.ts': "import '../model/b.ts'\nimport '../wire/c.ts'", 'model/b.ts': '', 'wire/c.ts': '' }],
    ['the own room, whatever the folder', { 'server/a.ts': "import './x/b.ts'", 'server/x/b.ts': "import '../c.ts'", 'server/c.ts': '' }],
    ['a door that opens everything', { 'index.ts': "export * from './rig/a.ts'", 'rig/a.ts': '' }],
    ['types of node: anywhere', { 'model/a.ts': "import type { Socket } from 'node:net'" }],
    ['values of node: at home', { 'wire/a.ts': "import net from 'node:net'", 'leaks/trace.ts': "import 'node:async_hooks'" }],
    ['values of node: that are nobody’s', { 'model/a.ts': "import { inspect } from 'node:util'" }],
    ['vitest in its doors', { 'vitest.ts': "import 'vitest'", 'reporter.ts': "import type { Reporter } from 'vitest/node'" }],
    ['a dependency', { 'cli/a.ts': "import getPort from 'get-port'" }],
    ['a file reached twice', { 'model/a.ts': "import './b.ts'\nimport './c.ts'", 'model/b.ts': "import './c.ts'", 'model/c.ts': '' }],
  ])('%s', (_what, files) => {
    expect(wrongImports(files, packages)).toStrictEqual([])
  })
})

describe('the checker refuses', () => {
  test.each<[what: string, files: Record<string, string>, wrong: RegExp]>([
    [
      'what stands above',
      { 'model/a.ts': "import '../wire/b.ts'", 'wire/b.ts': '' },
      /^model\/a\.ts: imports wire\/b\.ts, which stands above it$/,
    ],
    ['a type of what stands above', { 'wire/a.ts': "import type { B } from '../server/b.ts'", 'server/b.ts': '' }, /stands above/],
    ['a neighbour on the same line', { 'server/a.ts': "import '../client/b.ts'", 'client/b.ts': '' }, /stands on the same line$/],
    ['sockets that know faults', { 'wire/a.ts': "import '../faults/b.ts'", 'faults/b.ts': '' }, /same line/],
    ['a part that goes through a door', { 'rig/a.ts': "import '../index.ts'", 'index.ts': '' }, /stands above/],
    ['a room that is not in the house', { 'utils/a.ts': '' }, /^utils\/a\.ts: stands in no room/],
    ['a file beside the doors', { 'helpers.ts': '' }, /^helpers\.ts: stands in no room/],
    ['a file that is not there', { 'model/a.ts': "import './b.ts'" }, /which is not there$/],
    [
      'sockets outside of wire',
      { 'server/a.ts': "import net from 'node:net'" },
      /^server\/a\.ts: imports values of node:net, which only wire\/ may$/,
    ],
    ['sockets by their old name', { 'server/a.ts': "import net from 'net'" }, /imports values of net/],
    ['an inline type, which loads the module', { 'server/a.ts': "import { type Socket } from 'node:net'" }, /imports values of node:net/],
    ['sockets imported late', { 'client/a.ts': "await import('node:tls')" }, /imports values of node:tls/],
    ['async_hooks in another file of the room', { 'leaks/find.ts': "import 'node:async_hooks'" }, /which only leaks\/trace\.ts may$/],
    ['children outside of spawn', { 'rig/a.ts': "import 'node:child_process'" }, /which only spawn\/ may$/],
    ['http outside of supervise', { 'server/a.ts': "import http from 'node:http'" }, /server\/supervise\//],
    ['p-event outside of the one wait', { 'lifetime/stop.ts': "import { pEvent } from 'p-event'" }, /which only lifetime\/wait\.ts may$/],
    ['vitest in another door', { 'node-test.ts': "import { test } from 'vitest'" }, /which only its own doors may$/],
    ['vitest in a part', { 'rig/a.ts': "import type { TestContext } from 'vitest'" }, /which only its own doors may$/],
    ['a package that nobody declared', { 'cli/a.ts': "import chalk from 'chalk'" }, /neither node: nor a dependency$/],
    [
      'a circle of two',
      { 'model/a.ts': "import './b.ts'", 'model/b.ts': "import './a.ts'" },
      /^a circle: model\/a\.ts → model\/b\.ts → model\/a\.ts$/,
    ],
    [
      'a circle of types',
      { 'model/a.ts': "import type { B } from './b.ts'", 'model/b.ts': "import type { A } from './a.ts'" },
      /^a circle/,
    ],
    [
      'a circle further down',
      {
        'model/a.ts': "import './b.ts'",
        'model/b.ts': "import './c.ts'",
        'model/c.ts': "import './d.ts'",
        'model/d.ts': "import './b.ts'",
      },
      /^a circle: model\/b\.ts → model\/c\.ts → model\/d\.ts → model\/b\.ts$/,
    ],
  ])('%s', (_what, files, wrong) => {
    expect(wrongImports(files, packages)).toStrictEqual([expect.stringMatching(wrong)])
  })
})
