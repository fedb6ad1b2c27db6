import * as fs from 'node:fs'
import { closeSync, openSync } from 'node:fs'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { expect, test } from 'vitest'

import { findLeaks } from '../../src/leaks/find.ts'

const HERE = fileURLToPath(import.meta.url)
const options = { withinMs: 20, files: true }

test('a descriptor that stays open, by the line that opened it', async () => {
  const opened: number[] = []
  const leaks = await findLeaks(async () => {
    opened.push(openSync(HERE, 'r'))
    opened.push(await promisify(fs.open)(HERE, 'r'))
    const stream = fs.createReadStream(HERE, { autoClose: false })
    const [fd] = (await once(stream.resume(), 'open')) as [number]
    opened.push(fd)
    await once(stream, 'end')
  }, options)
  expect(leaks.map(({ kind, fd }) => ({ kind, fd }))).toEqual(opened.map((fd) => ({ kind: 'file', fd })))
  expect(leaks.map(({ site }) => site?.file)).toEqual([HERE, HERE, HERE])
  for (const fd of opened) closeSync(fd)
})

test('what is closed is none, though its number is used again', async () => {
  const leaks = await findLeaks(async () => {
    closeSync(openSync(HERE, 'r'))
    const fd = await promisify(fs.open)(HERE, 'r')
    await promisify(fs.close)(fd)
    fs.readFileSync(HERE)
    await fs.promises.readFile(HERE)
    await once(fs.createReadStream(HERE).resume(), 'close')
    fs.createReadStream(HERE).destroy()
    expect(() => openSync(`${HERE}.missing`, 'r')).toThrow('ENOENT')
    await expect(promisify(fs.open)(`${HERE}.missing`, 'r')).rejects.toThrow('ENOENT')
  }, options)
  expect(leaks).toEqual([])
})

test('only when asked for, and fs is left as it was', async () => {
  const before = fs.openSync
  let fd = 0
  const inner = findLeaks(() => void (fd = openSync(HERE, 'r')), { withinMs: 0 })
  const outer = findLeaks(() => expect(openSync).not.toBe(before), options)
  expect(await inner).toEqual([])
  expect(await outer).toEqual([])
  expect(fs.openSync).toBe(before)
  expect(openSync).toBe(before)
  closeSync(fd)
})

type OpenSync = typeof fs.openSync

/** A library that counts what is opened, as graceful-fs and mock-fs patch it. */
function counting(real: OpenSync): { readonly patch: OpenSync; readonly opened: string[] } {
  const opened: string[] = []
  const patch: OpenSync = (path, ...rest) => {
    opened.push(String(path))
    return real(path, ...rest)
  }
  return { patch, opened }
}

/** The ESM namespace is read-only. */
const calls = process.getBuiltinModule('node:fs')

test("another library's patch of fs is called meanwhile, and stands there afterwards", async () => {
  const real = calls.openSync
  const { patch, opened } = counting(real)
  calls.openSync = patch
  try {
    const leaks = await findLeaks(() => closeSync(calls.openSync(HERE, 'r')), options)
    expect(leaks).toEqual([])
    expect(opened).toEqual([HERE])
    expect(calls.openSync).toBe(patch)
  } finally {
    calls.openSync = real
  }
})

test('a patch that is put on meanwhile stays, and a later check works through it', async () => {
  const real = calls.openSync
  let theirs!: ReturnType<typeof counting>
  const fds: number[] = []
  try {
    await findLeaks(() => {
      theirs = counting(calls.openSync)
      calls.openSync = theirs.patch
    }, options)
    expect(calls.openSync).toBe(theirs.patch)
    const leaks = await findLeaks(() => fds.push(calls.openSync(HERE, 'r')), options)
    expect(theirs.opened).toEqual([HERE])
    expect(leaks).toMatchObject([{ kind: 'file', fd: fds[0] }])
    expect(leaks).toHaveLength(1)
    expect(calls.openSync).toBe(theirs.patch)
  } finally {
    calls.openSync = real
    for (const fd of fds) closeSync(fd)
  }
})
