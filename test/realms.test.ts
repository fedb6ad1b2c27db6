import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

import { expect, test } from 'vitest'

/**
 * Where a test runs under jsdom, happy-dom, Jest or in a vm pool, the classes that the language and the web share have
 * twins: a value of one is no instance of the other, and Node's own functions refuse what a DOM's class makes. So a check
 * goes by `model/brand.ts`, what is made is made by Node's own class (`lifetime/realm.ts`, `node:url`), and timers and
 * clocks come from `lifetime/timers.ts` and `timeline/clock.ts`. The command line runs in no test's realm.
 */
const SRC = join(import.meta.dirname, '..', 'src')

const TWINS =
  'AbortSignal|AbortController|AggregateError|Array|ArrayBuffer|Date|DOMException|Error|EventEmitter|EventTarget|Map|Promise|RangeError|RegExp|Set|TypeError|Uint8Array|URL|WeakRef'
const WRONG: readonly [what: string, pattern: RegExp, allowed: RegExp][] = [
  ['instanceof of a class that has twins', new RegExp(`\\binstanceof (?:${TWINS})\\b`), /^$/],
  [
    "a DOM's class",
    /\bnew (?:AbortController|DOMException|EventTarget|Event|MessageChannel|TextDecoder|TextEncoder)\b|\bAbortSignal\./,
    /AbortController.*realm\.ts|^lifetime\/realm\.ts/,
  ],
  ['URL', /\bnew URL\(|\bURL\.(?:canParse|parse)\b/, /\bURL\b.*'node:url'/],
  [
    'a timer or clock that can be faked',
    /(?<![.\w'`-])(?:setTimeout|setInterval|setImmediate|queueMicrotask|structuredClone)\(|\bDate\.now\b|\bnew Date\(\)|\bhrtime\b|(?<!real\.)\bperformance\.now\b/,
    /^lifetime\/(?:timers|realm)\.ts|^timeline\/clock\.ts/,
  ],
]

function sources(): [file: string, code: string][] {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.startsWith('cli'))
  return files.map((file) => [relative('.', file).replaceAll('\\', '/'), withoutComments(readFileSync(join(SRC, file), 'utf8'))])
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(?<!:)\/\/.*$/gm, '')
}

function wrongIn([file, code]: [file: string, code: string]): string[] {
  return WRONG.filter(([, pattern, allowed]) => pattern.test(code) && !allowed.test(file) && !allowed.test(code)).map(
    ([what]) => `${file}: ${what}`,
  )
}

test('no file depends on the realm that it is loaded in', () => {
  const files = sources()
  expect(files.length).toBeGreaterThan(100)
  expect(files.flatMap(wrongIn)).toStrictEqual([])
})

test.each([
  ['if (error instanceof Error) throw error', 'instanceof of a class that has twins'],
  ['const stop = new AbortController()', "a DOM's class"],
  ['const both = AbortSignal.any([a, b])', "a DOM's class"],
  ['return URL.canParse(text)', 'URL'],
  ['setTimeout(act, 10)', 'a timer or clock that can be faked'],
  ['const at = Date.now()', 'a timer or clock that can be faked'],
  ['const at = performance.now()', 'a timer or clock that can be faked'],
])('%s is found', (code, what) => {
  expect(wrongIn(['wire/a.ts', code])).toStrictEqual([`wire/a.ts: ${what}`])
})

test.each([
  '// error instanceof Error',
  '/** `setTimeout(act, 10)` */',
  'if (error instanceof NetgraceError) throw error',
  "import { AbortController } from './realm.ts'\nconst stop = new AbortController()",
  "import { URL } from 'node:url'\nnew URL(text)",
  'socket.setTimeout(ms)',
])('%s is right', (code) => {
  expect(wrongIn(['wire/a.ts', withoutComments(code)])).toStrictEqual([])
})
