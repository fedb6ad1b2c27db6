import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

import { expect, onTestFinished, test } from 'vitest'

import { openClient } from '../../src/client/connect.ts'
import { Replies } from '../../src/scenario/replies.ts'
import { Timeline } from '../../src/timeline/timeline.ts'
import { READ_AHEAD } from '../../src/wire/reader.ts'

const LINE = Buffer.from('x'.repeat(1024 * 1024 - 1) + '\n')
const LINES = 32

test('a reply that came along with the one before it is given without waiting for more, and so is the end', async () => {
  const server = createServer((socket) => socket.write('one\ntwo\n')).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const client = await openClient({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, {}, new Timeline())

  const given: (string | undefined)[] = []
  const ended = new Promise<void>((resolve) => {
    const replies = new Replies(client, {
      replied(line) {
        given.push(line?.toString())
        if (given.length === 2) void client.close().then(() => replies.next(4))
        else if (given.length === 3) resolve()
        else replies.next(4)
      },
      garbled: (error) => expect.fail(error.message),
    })
    replies.next(4)
  })
  await ended
  expect(given).toEqual(['one\n', 'two\n', undefined])
})

test('what comes while nobody waits for a reply is left to the kernel from a mebibyte on, and is there when somebody does', async () => {
  const server = createServer((socket) => {
    for (let n = 0; n < LINES; n++) socket.write(LINE)
    socket.end()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const client = await openClient({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, {}, new Timeline())

  let answer: (line: Buffer | undefined) => void
  const replies = new Replies(client, { replied: (line) => answer(line), garbled: (error) => expect.fail(error.message) })
  const next = (): Promise<Buffer | undefined> =>
    new Promise((resolve) => {
      answer = resolve
      replies.next(LINE.length)
    })
  await once(client.socket, 'pause')
  expect(client.socket.bytesRead).toBeLessThan(2 * READ_AHEAD)

  for (let n = 0; n < LINES; n++) expect(await next()).toHaveLength(LINE.length)
  expect(await next()).toBeUndefined()
  await client.close()
})
