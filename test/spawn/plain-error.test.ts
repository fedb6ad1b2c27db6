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
  const other = crossed(error) as ConnectError
  expect(other).toBeInstanceOf(ConnectError)
  expect(other.cause).toBeInstanceOf(AggregateError)
  expect((other.cause as AggregateError).errors.map(({ message }: Error) => message)).toEqual(members.map(({ message }) => message))
  expect(describeEnding(other.ending)).toBe(describeEnding(error.ending))
})

function crossed(error: Error): Error {
  return realError(structuredClone(plainError(error)))
}

test('an error crosses with its class, its message, its code, its stack and its cause', () => {
  const cause = Object.assign(new TypeError('below'), { code: 'ERR_BELOW' })
  const error = Object.assign(new RangeError('above', { cause }), { code: 'ERR_ABOVE', errno: -13, syscall: 'read', port: 9 })
  const other = crossed(error)
  expect(other).toBeInstanceOf(RangeError)
  expect(other).toMatchObject({ message: 'above', code: 'ERR_ABOVE', errno: -13, syscall: 'read', port: 9, stack: error.stack })
  expect(other.cause).toBeInstanceOf(TypeError)
  expect(other.cause).toMatchObject({ message: 'below', code: 'ERR_BELOW', stack: cause.stack })
})

test('an error that is its own cause, or goes round through others, crosses all the same', () => {
  const self = new Error('self')
  self.cause = self
  expect(crossed(self)).toMatchObject({ message: 'self' })
  const [a, b] = [new Error('a'), new AggregateError([], 'b')]
  a.cause = b
  b.errors.push(a, b, new Error('c'))
  const other = crossed(a)
  expect(other).toMatchObject({ message: 'a', cause: { message: 'b' } })
  expect((other.cause as AggregateError).errors).toMatchObject([{ message: 'c' }])
})

test('a long line of causes is followed for a while', () => {
  let error = new Error('0')
  for (let n = 1; n < 100_000; n++) error = new Error(String(n), { cause: error })
  expect(crossed(error)).toMatchObject({ message: '99999', cause: { message: '99998', cause: { message: '99997' } } })
})

test.each([
  ['null', null],
  ['a text', 'eof'],
  ['nothing in it', {}],
  ['a kind that there is none of', { kind: 'sad' }],
  ['one that goes round', Object.assign(Object.create(null) as object, { kind: 7, self: 1 })],
  ['one that throws', { get kind(): string { throw new Error('no') } }], // prettier-ignore
])('what is called an ending and is %s does not cross', (_what, ending) => {
  const other = crossed(Object.assign(new Error('mine'), { ending }))
  expect(other.message).toBe('mine')
  expect(other).not.toHaveProperty('ending')
})

test('an ending with odd numbers and a cause that goes round crosses as an ending', () => {
  const cause = new Error('round')
  cause.cause = cause
  const ending = { kind: 'reset', by: 'peer', phase: 'open', certain: true, bytesRead: 'many', bytesWritten: 2, durationMs: NaN, cause }
  const other = crossed(Object.assign(new Error('mine'), { ending, name: 'ConnectError' }))
  expect(other).toMatchObject({ ending: { kind: 'reset', by: 'peer', bytesRead: 0, bytesWritten: 2, cause: { message: 'round' } } })
})

test('a name of ours without what it stands for, and a name of another, are kept as a name', () => {
  for (const name of ['ConnectError', 'ConnectionEndedError', 'NetgraceError', 'MyError']) {
    const error = new Error('mine')
    error.name = name
    const other = crossed(error)
    expect(other).toMatchObject({ name, message: 'mine' })
    expect(Object.keys(other)).toEqual([])
  }
})

test('an error that has no text, or cannot be looked at, is still an error', () => {
  const hostile = new Proxy(new Error('x'), {
    get: () => {
      throw new Error('do not look')
    },
  })
  expect(crossed(hostile)).toBeInstanceOf(Error)
  for (const message of [Symbol('s'), {}, undefined, 7, { toString: 1 }]) {
    expect(
      typeof crossed(Object.assign(new Error('x'), { message, name: Symbol('n'), code: {}, errno: () => {}, cause: 'text' })).message,
    ).toBe('string')
  }
})
