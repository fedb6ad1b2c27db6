import { expect, test } from 'vitest'

import type { Ending } from '../../src/model/ending.ts'
import { ConnectError, ConnectionEndedError, NetgraceError } from '../../src/model/errors.ts'

const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
const ending: Ending = {
  kind: 'refused',
  by: 'peer',
  phase: 'connecting',
  certain: true,
  bytesRead: 0,
  bytesWritten: 0,
  durationMs: 1,
  cause,
}

test('an error has a code, a name and its cause', () => {
  const error = new NetgraceError('ERR_NETGRACE_LISTEN', 'no', { cause })
  expect(error).toMatchObject({ name: 'NetgraceError', code: 'ERR_NETGRACE_LISTEN', message: 'no', cause })
  expect(error.stack).toMatch(/^NetgraceError: no/)
})

test.each([
  [ConnectError, 'ConnectError', 'ERR_NETGRACE_CONNECT'],
  [ConnectionEndedError, 'ConnectionEndedError', 'ERR_NETGRACE_CONNECTION_ENDED'],
] as const)('%o carries the ending, whose cause is its own', (Kind, name, code) => {
  const error = new Kind('no', ending)
  expect(error).toBeInstanceOf(NetgraceError)
  expect(error).toMatchObject({ name, code, ending, cause })
})
