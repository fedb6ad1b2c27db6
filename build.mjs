// Builds dist/: the types by tsc, a file each; the code by rolldown, for one module a file would take 0.4 ms each to load,
// and a suite pays that in every test file. The doors and the program share chunks; what runs in a thread or a process of
// its own is one file, with all it needs.
import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

import { rolldown } from 'rolldown'

const doors = readdirSync('src')
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.replace(/\.ts$/, ''))

async function bundle(names, external) {
  const made = await rolldown({
    input: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
    external,
    platform: 'node',
    transform: { target: 'es2023' }, // Node 20 and 22 have no `using`
  })
  await made.write({
    dir: 'dist',
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
  })
  await made.close()
}

rmSync('dist', { recursive: true, force: true })
await bundle([...doors, 'cli/main'], (id) => !/^[./]|^@oxc-project\/runtime/.test(id))
chmodSync('dist/cli/main.js', 0o755) // npm does it where it installs; `npx netgrace` in a clone runs this very file
for (const entry of ['spawn/client-entry', 'scenario/entry']) await bundle([entry], /^node:/)

const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc')
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
