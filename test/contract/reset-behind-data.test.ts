import type net from 'node:net'

import { describe, expect, test } from 'vitest'

import { type Client, connect, ConnectError, type Ending } from '../../src/index.ts'
import { bareServer, seeded } from '../support.ts'

const SEED = 20_130_101
const AT_ONCE = 10

/** What became of `count` connections whose peer acts as it likes, some at once. */
async function endings(
  count: number,
  act: (peer: net.Socket) => void,
  use: (client: Client, n: number) => Promise<unknown>,
): Promise<Ending[]> {
  const bare = await bareServer(act)
  const seen: Ending[] = []
  for (let n = 0; n < count; n += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, async (_, i) => {
      try {
        const client = await connect(bare)
        await use(client, n + i)
        return await client.ended
      } catch (error) {
        if (error instanceof ConnectError) return error.ending // the reset outran the connect
        throw error
      }
    })
    seen.push(...(await Promise.all(batch)))
  }
  await bare.close()
  return seen
}

/** Writes a random length, and resets in one of the ways in which that can come right behind it. */
function resetting(random: () => number): (peer: net.Socket) => void {
  return (peer) => {
    const data = Buffer.alloc(Math.floor(random() ** 3 * 200_000), 'x')
    peer.resume()
    const reset = (): void => void peer.resetAndDestroy()
    switch (Math.floor(random() * 4)) {
      case 0:
        peer.write(data)
        return reset()
      case 1:
        return void peer.write(data, reset)
      case 2:
        peer.write(data)
        return void setImmediate(reset)
      default:
        return void setImmediate(() => peer.write(data, () => setImmediate(reset)))
    }
  }
}

function falseEnds(seen: readonly Ending[]): Ending[] {
  return seen.filter(({ kind, certain }) => kind === 'eof' && certain)
}

describe(`1,000 resets right behind data of random length (seed ${SEED})`, () => {
  test('are never an eof that is certain, if we read to the end', async () => {
    const seen = await endings(400, resetting(seeded(SEED)), (client) => client.readToEnd())
    expect(falseEnds(seen)).toStrictEqual([])
    expect(seen.filter(({ kind, by }) => kind === 'reset' && by === 'peer').length).toBe(400)
  })

  test('nor if we do not read at all', async () => {
    const seen = await endings(300, resetting(seeded(SEED + 1)), async () => {})
    expect(falseEnds(seen)).toStrictEqual([])
    expect(seen.filter(({ kind, by }) => kind === 'reset' && by === 'peer').length).toBe(300)
  })

  test('nor if we had half-closed first, where it may be an eof that is not certain', async () => {
    const seen = await endings(150, resetting(seeded(SEED + 2)), async (client) => {
      client.halfClose()
      await client.readToEnd()
    })
    expect(falseEnds(seen)).toStrictEqual([])
    for (const { kind } of seen) expect(kind).toMatch(/^(reset|eof)$/)
  })

  test('nor if we read a line, look at our ends, write, and only then read on', async () => {
    const seen = await endings(150, resetting(seeded(SEED + 3)), async (client, n) => {
      void [client.local, client.peer, client.socket.remotePort]
      if (n % 2 === 0) await client.send('hello\n').catch(() => {})
      await client.read(10)
      for await (const chunk of client) void chunk
    })
    expect(falseEnds(seen)).toStrictEqual([])
  })
})

describe('1,000 ends right behind data', () => {
  const ending = (random: () => number) => (peer: net.Socket) => {
    peer.resume()
    peer.end(Buffer.alloc(Math.floor(random() ** 3 * 200_000), 'x'))
  }

  test('are always an eof by the peer that is certain', async () => {
    const seen = await endings(600, ending(seeded(SEED + 4)), (client) => client.readToEnd())
    expect(seen.filter(({ kind, by, certain }) => kind !== 'eof' || by !== 'peer' || !certain)).toStrictEqual([])
  })

  test('whether we read or not', async () => {
    const seen = await endings(200, ending(seeded(SEED + 5)), async () => {})
    expect(seen.filter(({ kind, by, certain }) => kind !== 'eof' || by !== 'peer' || !certain)).toStrictEqual([])
  })

  test('and never a reset where we had half-closed first', async () => {
    const answering = (random: () => number) => (peer: net.Socket) => {
      peer.on('end', () => peer.end(Buffer.alloc(Math.floor(random() ** 3 * 200_000), 'x'))).resume()
    }
    const seen = await endings(200, answering(seeded(SEED + 6)), async (client) => client.halfClose())
    expect(seen.filter(({ kind, by }) => kind !== 'eof' || by !== 'local')).toStrictEqual([])
  })
})
