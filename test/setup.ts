import { expect } from 'vitest'

import { reportOwnTimers } from '../src/leaks/noise.ts'
import { failOnLeaks } from '../src/vitest.ts'

// Our own suite runs under our own check, by test: all but the tests of the check itself, which leave things open for it
// to find, and those of the command line, where a process of its own checks itself.
// Our own timers count, which no user's suite sees: one that nothing clears keeps the process alive.
const { testPath = '' } = expect.getState()
if (!/\/test\/(?:leaks|cli)\//.test(testPath)) {
  reportOwnTimers()
  failOnLeaks({
    at: 'test',
    ignore: [
      { file: 'test/examples/leaks.test.ts' }, // the README's leak
      ({ onBehalfOf }) => onBehalfOf?.file.endsWith('test/platform/closing.test.ts') ?? false, // the descriptor that Node itself loses, shown
    ],
  })
}
