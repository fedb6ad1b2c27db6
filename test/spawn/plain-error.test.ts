import { expect, test } from 'vitest'

import { describeEnding } from '../../src/model/describe-ending.ts'
import { decideEnding } from '../../src/model/ending.ts'
import { ConnectError } from '../../src/model/errors.ts'
import { plainError, realError } from '../../src/spawn/plain-error.ts'

test('a name with several addresses, none of which answers, crosses with all its members', () => {
  const members = ['::1', '127.0.0.1'].map((host) => Object.assign(new Error(`connect ECONNREFUSED ${host}:9`), { code: 'ECONNREFUSED' }))
  const cause = Object.assign(new AggregateError(members), { code: 'ECONNREFUSED' })
  const verdict = decideEnding({ endSeen: false, finFirst: false, falseEnd: false, unsure: false, error: cause })
  const error = new ConnectError('no', { ...verdict, phase: 'connecting', bytesRead: 0, bytesWritten: 0, durationMs: 1, cause })
  const crossed = realError(structuredClone(plainError(error))) as ConnectError
  expect(crossed).toBeInstanceOf(ConnectError)
  expect(crossed.cause).toBeInstanceOf(AggregateError)
  expect((crossed.cause as AggregateError).errors.map(({ message }: Error) => message)).toEqual(members.map(({ message }) => message))
  expect(describeEnding(crossed.ending)).toBe('REFUSED: nobody listens there (ECONNREFUSED)')
})
