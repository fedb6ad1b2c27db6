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
  expect(leaks.slice(0, 2)).toMatchObject([{ site: { file: HERE } }, { site: { file: HERE } }])
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
