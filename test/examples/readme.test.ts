import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

const here = fileURLToPath(new URL('.', import.meta.url))

/** The folders have longer ones, which it would only point to. */
async function examples(): Promise<string[]> {
  const files = (await readdir(here, { withFileTypes: true })).filter((one) => one.isFile() && one.name !== 'readme.test.ts')
  return Promise.all(files.map(async ({ name }) => (await readFile(here + name, 'utf8')).trim()))
}

test('every example of the README is one of the examples here, word for word, so that it runs', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const blocks = [...readme.matchAll(/```(?:ts|js)\n([^]*?)\n```/g)].map(([, code]) => code!.trim())
  expect(blocks.length).toBeGreaterThan(5)
  const there = await examples()
  for (const block of blocks) expect(there).toContain(block)
})

test('every example here stands in the README', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  for (const example of await examples()) expect(readme).toContain(example)
})

test('the example for node:test passes under node --test', async () => {
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
  const code = await new Promise((resolve) => {
    execFile(process.execPath, ['--test', `${here}node-test.mjs`], { env }, (error) => resolve(error?.code ?? 0))
  })
  expect(code).toBe(0)
})
