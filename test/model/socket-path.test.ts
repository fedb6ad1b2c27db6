import { resolve } from 'node:path'

import { describe, expect, test } from 'vitest'

import { looksLikePath, socketPath } from '../../src/model/socket-path.ts'

const bytes = (count: number): string => `/${'x'.repeat(count - 1)}`

describe('how long a path may be', () => {
  test.each<[platform: NodeJS.Platform, longest: number]>([
    ['linux', 107],
    ['darwin', 103],
    ['freebsd', 103],
  ])('on %s %i bytes', (platform, longest) => {
    expect(socketPath(bytes(longest), 'path', platform)).toBe(bytes(longest))
    const tooLong = (): unknown => socketPath(bytes(longest + 1), 'path', platform)
    expect(tooLong).toThrow(RangeError)
    expect(tooLong).toThrow(`path must be at most ${longest} bytes, the limit of a unix socket's path here, got ${longest + 1}: "/xx`)
  })

  test('bytes count, not characters', () => {
    expect(() => socketPath(`/${'ä'.repeat(60)}`, 'path', 'linux')).toThrow(/got 121: "/)
  })

  test('what a relative path resolves to counts, and the message says so', () => {
    expect(() => socketPath('x'.repeat(107), 'path', 'linux')).toThrow(/got \d+: "\/.*, resolved from "x+"$/)
  })

  test('a name in the abstract namespace may be a byte longer: no NUL ends it', () => {
    const longest = `\0${'x'.repeat(107)}`
    expect(socketPath(longest, 'path', 'linux')).toBe(longest)
    expect(() => socketPath(`${longest}x`, 'path', 'linux')).toThrow(/at most 108 bytes.*got 109/)
    expect(() => socketPath('\0a', 'path', 'darwin')).toThrow(/darwin has no abstract sockets/)
  })

  test('a Windows pipe has a name of its own form', () => {
    const longest = String.raw`\\.\pipe` + `\\${'x'.repeat(247)}`
    expect(socketPath(longest, 'path', 'win32')).toBe(longest)
    expect(socketPath('//./pipe/a', 'path', 'win32')).toBe('//./pipe/a')
    expect(() => socketPath(`${longest}x`, 'path', 'win32')).toThrow(/at most 256 characters, got 257/)
    expect(() => socketPath('/tmp/a.sock', 'path', 'win32')).toThrow(/^path must be the name of a pipe, \\\\.\\pipe\\NAME, on Windows/)
  })
})

test('a relative path is resolved when it is given', () => {
  expect(socketPath('a/../b.sock', 'path', 'linux')).toBe(resolve('b.sock'))
})

test.each<[unknown, RegExp]>([
  ['', /^path must be a path that is not empty/],
  ['/a\0b', /^path must be a path without NUL/],
  [undefined, /^path must be a string, got undefined/],
  [7, /^path must be a string, got 7/],
])('%j is no path', (path, message) => {
  expect(() => socketPath(path, 'path', 'linux')).toThrow(TypeError)
  expect(() => socketPath(path, 'path', 'linux')).toThrow(message)
})

test.each(['/a', './a', '../a', '\0a', String.raw`\\.\pipe\a`, '//?/pipe/a'])('%j looks like a path', (text) => {
  expect(looksLikePath(text)).toBe(true)
})

test.each(['a.sock', 'localhost:80', '.a', 'tcp://a:1', ''])('%j does not look like one', (text) => {
  expect(looksLikePath(text)).toBe(false)
})
