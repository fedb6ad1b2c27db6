import { fileURLToPath } from 'node:url'

import { defineConfig } from 'vitest/config'

/** The suite below by itself, or with the leak check by file or by test. */
const setup = { file: 'setup.js', test: 'at-test.mjs' }[process.env.NETGRACE_BENCH_AT]
const base = setup === 'setup.js' ? process.env.NETGRACE_BUILD : import.meta.url

export default defineConfig({
  root: fileURLToPath(new URL('../../..', import.meta.url)),
  test: { include: ['bench/parts/leaks/loops.test.mjs'], setupFiles: setup ? [fileURLToPath(new URL(setup, base))] : [] },
})
