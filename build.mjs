// Builds dist/: the types by tsc, a file each; the code by rolldown, the doors and the program with what they share in chunks.
// One module a file would take 0.4 ms each to load, and a suite pays that in every test file.
import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

import { rolldown } from 'rolldown'

const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc')
const programs = ['cli/main', 'spawn/client-entry', 'scenario/entry'] // run as files of their own
const doors = readdirSync('src').filter((name) => name.endsWith('.ts'))

const bundle = await rolldown({
  input: Object.fromEntries([
    ...doors.map((name) => [name.replace(/\.ts$/, ''), `src/${name}`]),
    ...programs.map((name) => [name, `src/${name}.ts`]),
  ]),
  external: (id) => !/^[./]|^@oxc-project\/runtime/.test(id),
  platform: 'node',
  transform: { target: 'es2023' }, // Node 20 and 22 have no `using`
})
rmSync('dist', { recursive: true, force: true })
await bundle.write({
  dir: 'dist',
  format: 'esm',
  sourcemap: true,
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
})
await bundle.close()

execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
