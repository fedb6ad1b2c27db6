import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { describe, expect, test } from 'vitest'

import { bundled } from './bundle.ts'

const findLeaks = bundled('leaks/find.ts')
const corpus = fileURLToPath(new URL('corpus/', import.meta.url))

interface Snippet {
  readonly file: string
  readonly name: string
  /** `kind file:line`, one a handle, sorted. */
  readonly leaks: readonly string[]
}

describe.concurrent('what leaks is found, with its kind and line', () => {
  const snippets = snippetsIn('leaking')

  test('there are at least forty', () => expect(snippets.length).toBeGreaterThanOrEqual(40))

  test.each(snippets)('$name', async ({ file, name, leaks }) => {
    expect(leaks).not.toEqual([])
    expect(await run(file, name)).toEqual(leaks)
  })
})

describe.concurrent('what does not leak is not reported', () => {
  const snippets = snippetsIn('clean')

  test('there are at least forty', () => expect(snippets.length).toBeGreaterThanOrEqual(40))

  test.each(snippets)('$name', async ({ file, name, leaks }) => {
    expect(leaks).toEqual([])
    expect(await run(file, name)).toEqual([])
  })
})

function snippetsIn(folder: string): Snippet[] {
  return readdirSync(corpus + folder).flatMap((name) => snippetsOf(`${corpus}${folder}/${name}`))
}

/** Each exported function; `//! kind` ends a line that leaks, once for each handle. */
function snippetsOf(file: string): Snippet[] {
  const snippets: { file: string; name: string; leaks: string[] }[] = []
  for (const [n, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    const name = /^export (?:async )?function (\w+)/.exec(line)?.[1]
    if (name !== undefined) snippets.push({ file, name, leaks: [] })
    const kinds = /\/\/! (.+)$/.exec(line)?.[1]?.split(' ') ?? []
    snippets.at(-1)?.leaks.push(...kinds.map((kind) => `${kind} ${basename(file)}:${n + 1}`))
  }
  return snippets.map((snippet) => ({ ...snippet, leaks: snippet.leaks.toSorted() }))
}

async function run(file: string, name: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [`${corpus}run-one.mjs`, file, name, findLeaks()], { timeout: 20_000 })
  return (JSON.parse(/^@@(.*)$/m.exec(stdout)![1]!) as string[]).toSorted()
}
