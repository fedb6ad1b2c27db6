import { describe, expect, test } from 'vitest'

import {
  boolean,
  callback,
  checkOptions,
  duration,
  integer,
  interval,
  listenPort,
  nested,
  oneOf,
  type Rule,
  type Rules,
  signal,
  string,
} from '../../src/model/options.ts'

interface Options {
  graceMs?: number
  host?: string
}
const rules: Rules<Options> = { graceMs: duration, host: string }

function check(options: unknown, of?: string): void {
  checkOptions(options as Options, rules, of)
}

test('options that are allowed, or not given, pass', () => {
  for (const options of [{}, { graceMs: 0 }, { graceMs: 5, host: 'a' }, { host: undefined }]) {
    expect(() => check(options)).not.toThrow()
  }
})

test('an unknown key is refused, and the message names it and what is allowed', () => {
  expect(() => check({ graceMS: 5 })).toThrow(
    expect.objectContaining({
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: 'options: a key must be one of graceMs, host, got "graceMS"',
    }),
  )
})

test('what every object inherits is no key', () => {
  expect(() => check({ toString: 1 })).toThrow(TypeError)
  expect(() => check(JSON.parse('{ "__proto__": 1 }'))).toThrow(TypeError)
})

test.each([null, 5, 'x', [], () => {}])('%o is no options object', (options) => {
  expect(() => check(options, 'stop options')).toThrow(
    expect.objectContaining({
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_TYPE',
      message: expect.stringMatching(/^stop options must be an object, got /),
    }),
  )
})

test('a nested object is held to its own rules, under its own name', () => {
  const outer = { keepAlive: nested({ delayMs: duration }) }
  expect(() => checkOptions({ keepAlive: { delayMs: 1 } }, outer)).not.toThrow()
  expect(() => checkOptions({ keepAlive: { delay: 1 } }, outer)).toThrow(/keepAlive: a key must be one of delayMs, got "delay"/)
  expect(() => checkOptions({ keepAlive: true }, outer)).toThrow(/keepAlive must be an object, got true/)
})

type Row = [value: unknown, name: 'TypeError' | 'RangeError', code: string]

function refuses(rule: Rule, rows: readonly Row[]): void {
  test.each(rows)('refuses %o with a %s', (value, name, code) => {
    expect(() => rule('it', value)).toThrow(expect.objectContaining({ name, code, message: expect.stringMatching(/^it must be .*, got /) }))
  })
}

function takes(rule: Rule, values: readonly unknown[]): void {
  test.each(values.map((value) => [value]))('takes %o', (value) => {
    expect(() => rule('it', value)).not.toThrow()
  })
}

const type = 'ERR_INVALID_ARG_TYPE'
const worth = 'ERR_INVALID_ARG_VALUE'
const range = 'ERR_OUT_OF_RANGE'

describe('a duration', () => {
  takes(duration, [0, 0.5, 1000, 2 ** 31 - 1])
  refuses(duration, [
    [-1, 'RangeError', range],
    [Number.NaN, 'RangeError', range],
    [Number.POSITIVE_INFINITY, 'RangeError', range],
    [2 ** 31, 'RangeError', range],
    ['5', 'TypeError', type],
    [null, 'TypeError', type],
  ])

  test('says what came', () => {
    expect(() => duration('graceMs', -5)).toThrow(/^graceMs must be a finite number ≥ 0.*, got -5$/)
  })
})

describe('an interval', () => {
  takes(interval, [0.1, 1])
  refuses(interval, [
    [0, 'RangeError', range],
    [-1, 'RangeError', range],
    [Number.NaN, 'RangeError', range],
    ['1', 'TypeError', type],
  ])
})

describe('a port to listen on', () => {
  takes(listenPort, [0, 1, 65535])
  refuses(listenPort, [
    [-1, 'RangeError', range],
    [65536, 'RangeError', range],
    [1.5, 'RangeError', range],
    ['80', 'TypeError', type],
  ])
})

describe('an integer', () => {
  takes(integer(1), [1, 2 ** 53 - 1])
  refuses(integer(1), [
    [0, 'RangeError', range],
    [1.5, 'RangeError', range],
    [1n, 'TypeError', type],
  ])

  test('says its bounds', () => {
    expect(() => integer(1)('clients', 0)).toThrow('clients must be an integer ≥ 1, got 0')
    expect(() => integer(1, 9)('clients', 10)).toThrow('clients must be an integer from 1 to 9, got 10')
  })
})

describe('a string', () => {
  takes(string, ['a'])
  refuses(string, [
    ['', 'TypeError', worth],
    [5, 'TypeError', type],
  ])
})

describe('true or false', () => {
  takes(boolean, [true, false])
  refuses(boolean, [[0, 'TypeError', type]])
})

describe('a callback', () => {
  takes(callback, [() => {}])
  refuses(callback, [[{}, 'TypeError', type]])
})

describe('a signal', () => {
  takes(signal, [new AbortController().signal])
  refuses(signal, [
    [new AbortController(), 'TypeError', type],
    [{ aborted: false }, 'TypeError', type],
  ])
})

describe('one of several', () => {
  takes(oneOf('echo', 'drip'), ['echo', 'drip'])
  refuses(oneOf('echo', 'drip'), [
    ['Echo', 'TypeError', worth],
    [undefined, 'TypeError', worth],
  ])
})
