import { fileURLToPath } from 'node:url'

import { defineConfig } from 'vitest/config'

/** One of the files below by itself, or with the leak check by file or by test. */
const { NETGRACE_BENCH_FILE: file, NETGRACE_BENCH_AT: at, NETGRACE_BUILD: build } = process.env
const setup = { file: ['setup.js', build], test: ['at-test.mjs', import.meta.url] }[at]

export default defineConfig({
  root: fileURLToPath(new URL('../../..', import.meta.url)),
  test: {
    include: [`bench/parts/leaks/${file}.test.mjs`],
    // As it is for whoever has netgrace installed: not transformed by Vite.
    server: { deps: { external: [new RegExp(fileURLToPath(new URL('.', build)).replaceAll(/[^\w/]/g, '.'))] } },
    setupFiles: setup ? [fileURLToPath(new URL(...setup))] : [],
  },
})
