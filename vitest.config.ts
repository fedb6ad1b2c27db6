import { fileURLToPath } from 'node:url'

import { defineConfig } from 'vitest/config'

const src = fileURLToPath(new URL('src/', import.meta.url))

export default defineConfig({
  resolve: {
    // examples and fixture suites import the package by its name, as its users do
    alias: [
      { find: /^netgrace$/, replacement: `${src}index.ts` },
      { find: /^netgrace\/(.*)$/, replacement: `${src}$1.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/fixtures/**'],
    setupFiles: ['test/setup.ts'],
    testTimeout: 30_000,
  },
})
