import type net from 'node:net'

import { describe, expect, test } from 'vitest'

import { bareServer, closed, dialBare } from '../support.ts'

/** libuv from 1.52 on (Node 24.21, 26) tells a reset right behind data from an end. */
const [major, minor] = process.versions.uv.split('.').map(Number) as [number, number]
const tells = major > 1 || minor >= 52

interface Seen {
  readonly end: boolean
  /** The peer's port, asked for the first time at its `end`: the kernel's own answer. */
  readonly peerKnown: boolean
}

async function watch(socket: net.Socket): Promise<Seen> {
  let [end, peerKnown] = [false, false]
  socket.on('end', () => {
    end = true
    peerKnown = socket.remotePort !== undefined
  })
  socket.resume()
  await closed(socket)
  return { end, peerKnown }
}

async function seenOf(count: number, act: (socket: net.Socket) => void): Promise<Seen[]> {
  const bare = await bareServer(act)
  const seen: Seen[] = []
  for (let n = 0; n < count; n++) seen.push(await watch(dialBare(bare, { allowHalfOpen: false })))
  return seen
}

const data = Buffer.alloc(1000, 'x')

describe('a reset right behind data', () => {
  test.runIf(tells)('is never an end', async () => {
    const seen = await seenOf(100, (socket) => {
      socket.write(data)
      setImmediate(() => socket.resetAndDestroy())
    })
    expect(seen.filter(({ end }) => end)).toStrictEqual([])
  })

  test.skipIf(tells)('may be an end, but then the kernel knows no peer any more', async () => {
    const seen = await seenOf(200, (socket) => {
      socket.write(data)
      setImmediate(() => socket.resetAndDestroy()) // a turn after its accept, or the dialler would not see it connect
    })
    const ends = seen.filter(({ end }) => end)
    expect(ends.length).toBeGreaterThan(0)
    expect(ends.filter(({ peerKnown }) => peerKnown)).toStrictEqual([])
  })

  test('that waits for 10 ms is no end, unless the reader slept through them', async () => {
    const seen = await seenOf(30, (socket) => {
      socket.write(data)
      setTimeout(() => socket.resetAndDestroy(), 10)
    })
    expect(seen.filter(({ end }) => end).length).toBeLessThan(10)
  })
})

test('at the end that is an end the kernel knows the peer', async () => {
  const seen = await seenOf(200, (socket) => {
    socket.end(data)
    socket.resume()
  })
  expect(seen.filter(({ end, peerKnown }) => !end || !peerKnown)).toStrictEqual([])
})
