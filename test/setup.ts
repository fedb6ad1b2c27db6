import { expect } from 'vitest'

import { failOnLeaks } from '../src/vitest.ts'

// Our own suite runs under our own check, by test: all but the tests of the check itself, which leave things open for it
// to find, and those of the command line, where a process of its own checks itself.
const { testPath = '' } = expect.getState()
if (!/\/test\/(?:leaks|cli)\//.test(testPath)) {
  failOnLeaks({
    at: 'test',
    ignore: [
      { file: 'test/examples/leaks.test.ts' }, // the README's leak
      ({ onBehalfOf }) => onBehalfOf?.file.endsWith('test/platform/closing.test.ts') ?? false, // the descriptor that Node itself loses, shown
    ],
  })
}
