import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { rolldown } from 'rolldown'
import { afterAll, beforeAll } from 'vitest'

/**
 * Bundles a module of src for programs that no transpiler runs, under a folder named `dist` as the published code is.
 * The function returned gives its path.
 */
export function bundled(source: string): () => string {
  const folder = mkdtempSync(join(tmpdir(), 'netgrace-bundle-'))
  const file = join(folder, 'dist', 'bundle.js')
  beforeAll(async () => {
    const input = fileURLToPath(new URL(`../../src/${source}`, import.meta.url))
    const bundle = await rolldown({ input, platform: 'node', transform: { target: 'es2023' } })
    await bundle.write({ file, format: 'esm' })
    await bundle.close()
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  return () => file
}
