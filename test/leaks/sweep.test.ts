import { once } from 'node:events'
import * as dgram from 'node:dgram'
import { MessageChannel, Worker } from 'node:worker_threads'

import { expect, test } from 'vitest'

import { findLeaks } from '../../src/leaks/find.ts'

const options = { withinMs: 20 }

/** Enough of them for several sweeps. */
async function closeMany(): Promise<void> {
  for (let n = 0; n < 500; n++) {
    clearTimeout(setTimeout(() => {}, 60_000))
    if (n % 100 === 0) await new Promise(setImmediate)
  }
  await new Promise(setImmediate)
}

test('closed handles are swept out while what has nothing to close as yet stays', async () => {
  const socket = dgram.createSocket('udp4')
  const late: { udp?: dgram.Socket; port?: MessageChannel } = {}
  const leaks = await findLeaks(async () => {
    late.udp = dgram.createSocket('udp4')
    late.port = new MessageChannel()
    await closeMany()
    late.udp.bind(0, '127.0.0.1')
    await once(late.udp, 'listening')
    late.port.port1.on('message', () => {})
    await closeMany()
  }, options)
  expect(leaks.map(({ kind }) => kind).toSorted()).toEqual(['message-port', 'udp-socket'])
  late.udp!.close()
  late.port!.port1.close()
  socket.close()
})

test('a sweep that falls due while a worker is being made', async () => {
  const leaks = await findLeaks(async () => {
    for (let n = 0; n < 140; n++) {
      const { port1, port2 } = new MessageChannel()
      port1.close()
      port2.close()
    }
    for (let n = 0; n < 3; n++) {
      const worker = new Worker('', { eval: true })
      await once(worker, 'exit')
    }
  }, options)
  expect(leaks).toEqual([])
})
