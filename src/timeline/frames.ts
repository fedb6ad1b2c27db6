import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { LeakSite } from '../model/leak.ts'
import { formatStack, type Stack } from './stack.ts'

/** Whose code a frame is in. */
export type Whose = 'node' | 'ours' | 'runner' | 'package' | 'user'

export interface Frame extends LeakSite {
  readonly whose: Whose
  /** For `package` and `runner`: its name, and the folder it lives in. */
  readonly package?: { readonly name: string; readonly folder: string }
  /** As it stood in the stack. */
  readonly text: string
}

/** Where netgrace itself lives: its folder is what stands before the last `src` or `dist` in the path of this module, bundled or not. */
const HOME = slashed(fileURLToPath(import.meta.url)).replace(/^(.*\/)(?:src|dist)\/.*$/, '$1')
const OURS = [`${HOME}src/`, `${HOME}dist/`]

/** Packages that run the tests. What they open is theirs, whoever's line asked for it. */
const RUNNERS = /^(?:vitest|@vitest\/.*|vite|vite-node|tinypool|tinyspy|jest|jest-.*|@jest\/.*|mocha|@sinonjs\/fake-timers|tsx)$/

/** `at async call (place)` or `at async place`. */
const FRAME = /^\s*at (?:async )?(?:(?<call>.+?) \((?<within>.*)\)|(?<alone>.*))$/
const PLACE = /^(?<file>.+):(?<line>\d+):(?<column>\d+)$/
/** Code in a string is told by the line that evaluated it. */
const EVAL = /^eval at .* \((?<place>.+)\), /

const read = new WeakMap<Stack, readonly Frame[]>()

/** The frames of a stack, innermost first, without those that have no line (`new Promise (<anonymous>)`, native). */
export function framesOf(stack: Stack | undefined): readonly Frame[] {
  if (!stack) return []
  let frames = read.get(stack)
  if (!frames) {
    formatStack(stack)
    frames = framesIn(stack.stack ?? '')
    read.set(stack, frames)
  }
  return frames
}

/** One line that opens a hundred thousand handles is parsed once. */
const parsed = new Map<string, readonly Frame[]>()
const MOST_PARSED = 256

function framesIn(text: string): readonly Frame[] {
  let frames = parsed.get(text)
  if (!frames) {
    frames = text.split('\n').flatMap((line) => frameOf(line) ?? [])
    if (parsed.size === MOST_PARSED) parsed.clear()
    parsed.set(text, frames)
  }
  return frames
}

/** The lines of a stack from the first of the user's on: what an error shows that names their line. Without one, all that are not ours. */
export function linesFromUser(stack: Stack): readonly string[] {
  const lines = linesOf(stack).filter((text) => /^\s*at /.test(text))
  const whose = lines.map((text) => frameOf(text)?.whose)
  const first = whose.indexOf('user')
  return first >= 0 ? lines.slice(first) : lines.filter((_, n) => whose[n] !== 'ours' && whose[n] !== undefined)
}

function linesOf(stack: Stack): readonly string[] {
  formatStack(stack)
  return stack.stack?.split('\n') ?? []
}

function frameOf(text: string): Frame | undefined {
  const { call = '', within, alone = '' } = FRAME.exec(text)?.groups ?? {}
  const place = within ?? alone
  const parts = PLACE.exec(EVAL.exec(place)?.groups?.['place'] ?? place)?.groups
  if (!parts) return undefined
  const file = pathOf(parts['file']!)
  return {
    file,
    line: Number(parts['line']),
    column: Number(parts['column']),
    function: nameOf(call),
    text: text.trim(),
    ...belonging(file),
  }
}

function belonging(file: string): Pick<Frame, 'whose' | 'package'> {
  if (file.startsWith('node:')) return { whose: 'node' }
  const path = slashed(file)
  if (OURS.some((folder) => path.startsWith(folder))) return { whose: 'ours' }
  const found = /^(?<folder>.*\/node_modules\/(?<name>@[^/]+\/[^/]+|[^/]+))\//.exec(path)?.groups
  if (!found) return { whose: 'user' }
  const name = found['name']!
  return { whose: RUNNERS.test(name) ? 'runner' : 'package', package: { name, folder: found['folder']! } }
}

/** `Object.<anonymous>`, `Server.listen [as x]`, `async openUpstream`: the name that stands in the source. */
function nameOf(call: string): string {
  const name = call.replace(/ \[as .*\]$/, '').replace(/^(?:Object|Function|Module)\./, '')
  return /^<anonymous>$|^eval$/.test(name) ? '' : name
}

function pathOf(file: string): string {
  const plain = file.replace(/\?[^/\\]*$/, '')
  if (!plain.startsWith('file:')) return plain
  try {
    return fileURLToPath(plain)
  } catch {
    return plain
  }
}

export function slashed(path: string): string {
  return path.replaceAll('\\', '/')
}

/** `src/gateway.ts:41:18`, from where the tests run. */
export function formatSite({ file, line, column }: LeakSite): string {
  return `${shortPath(file)}:${line}:${column}`
}

/** The folder in which the process was when netgrace was loaded: a test may change it. */
export const STARTED_IN: string = process.cwd()

/** From where the tests run, if it is within. */
export function shortPath(file: string): string {
  const path = slashed(relative(STARTED_IN, file))
  return path.startsWith('..') ? slashed(file) : path
}
