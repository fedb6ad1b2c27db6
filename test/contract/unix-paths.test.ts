import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { connect, handlers, startProxy, startServer } from '../../src/index.ts'

let paths = 0
const freshPath = (): string => join(tmpdir(), `netgrace-paths-${process.pid}-${++paths}.sock`)

test('a relative path is resolved when it is given: the file goes, wherever the process is by then', async () => {
  const [before, folder] = [process.cwd(), mkdtempSync(join(realpathSync(tmpdir()), 'netgrace-'))]
  onTestFinished(() => {
    process.chdir(before)
    rmSync(folder, { recursive: true })
  })
  process.chdir(folder)
  const server = await startServer(handlers.echo(), { path: 'a.sock' })
  const proxy = await startProxy('./a.sock', { path: 'b.sock' })
  process.chdir(before)
  expect(server.path).toBe(join(folder, 'a.sock'))
  expect(proxy.path).toBe(join(folder, 'b.sock'))
  const client = await connect(proxy)
  expect(await client.ask('hello')).toBe('hello')
  await client.close()
  await proxy.stop()
  await server.stop()
  expect(readdirSync(folder)).toStrictEqual([])
})

test('a path that is longer than the system takes is refused by every part, before anything is opened', async () => {
  const path = freshPath().padEnd(120, 'x')
  const refused = {
    name: 'RangeError',
    code: 'ERR_OUT_OF_RANGE',
    message: expect.stringMatching(/at most \d+ bytes.* got 120: "/) as string,
  }
  await expect(startServer(handlers.echo(), { path })).rejects.toMatchObject(refused)
  await expect(connect({ path })).rejects.toMatchObject(refused)
  await expect(connect(`unix:${path}`)).rejects.toMatchObject(refused)
  await expect(startProxy({ path })).rejects.toMatchObject(refused)
  await expect(startProxy('127.0.0.1:9', { path })).rejects.toMatchObject(refused)
  expect(existsSync(path)).toBe(false)
})

test('the longest path that the system takes is not cut', async () => {
  const path = freshPath().padEnd(process.platform === 'linux' ? 107 : 103, 'x')
  const server = await startServer(handlers.echo(), { path })
  expect(existsSync(path)).toBe(true)
  const client = await connect(server)
  expect(await client.ask('hello')).toBe('hello')
  await client.close()
  await server.stop()
  expect(existsSync(path)).toBe(false)
})

test("what a plain server's address() gives can be dialled", async () => {
  const plain = net.createServer((socket) => socket.pipe(socket)).listen(freshPath())
  await once(plain, 'listening')
  onTestFinished(() => void plain.close())
  const client = await connect(plain.address()!)
  expect(await client.ask('hello')).toBe('hello')
  await client.close()
})

test.runIf(process.platform === 'linux')('an abstract socket works, and its url can be dialled', async () => {
  const server = await startServer(handlers.echo(), { path: `\0netgrace-${process.pid}` })
  expect(server.url).toBe(`unix-abstract:netgrace-${process.pid}`)
  const client = await connect(server.url)
  expect(await client.ask('hello')).toBe('hello')
  await client.close()
  await server.stop()
})
