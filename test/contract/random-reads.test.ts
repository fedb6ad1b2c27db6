import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { connect, NetgraceError } from '../../src/index.ts'
import { bareServer, turn } from '../support.ts'

const SEED = 20_130_101

const text = fc
  .array(fc.constantFrom('a', 'bc', 'def', '€', '\n', '\r\n', 'x'.repeat(70_000)), { maxLength: 30 })
  .map((units) => units.join(''))
const read = fc.oneof(
  fc.record({ how: fc.constant('line' as const), hasty: fc.boolean() }),
  fc.record({ how: fc.constant('bytes' as const), hasty: fc.boolean(), bytes: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ how: fc.constant('chunk' as const), hasty: fc.constant(false) }),
)
const plan = fc.record({
  text,
  cuts: fc.array(fc.nat(200), { maxLength: 10 }),
  reads: fc.array(read, { maxLength: 15 }),
  resumeLater: fc.boolean(),
})

/** What is still to come, and how each way of reading takes from it: the whole of the contract in a few lines. */
class Model {
  rest: Buffer

  constructor(data: Buffer) {
    this.rest = data
  }

  line(): string | undefined {
    if (this.rest.length === 0) return undefined
    const end = this.rest.indexOf('\n')
    if (end < 0) return this.take(this.rest.length).toString()
    return this.take(end + 1)
      .toString()
      .replace(/\r?\n$/, '')
  }

  take(bytes: number): Buffer {
    const taken = this.rest.subarray(0, bytes)
    this.rest = this.rest.subarray(bytes)
    return taken
  }
}

function cut(data: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set([0, ...at, data.length])].filter((place) => place <= data.length).toSorted((a, b) => a - b)
  return places.slice(1).map((place, n) => data.subarray(places[n], place))
}

test('reads of every kind, in any order, of bytes that come in any pieces, some of them given up: each byte comes once, in its order', async () => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ text: all, cuts, reads, resumeLater }) => {
      const data = Buffer.from(all)
      const bare = await bareServer()
      const client = await connect(bare)
      const peer = await bare.socket()
      if (resumeLater) client.pause()
      const sending = (async () => {
        for (const piece of cut(data, cuts)) {
          peer.write(piece)
          await turn()
        }
        peer.resume().end()
        client.resume()
      })()
      const model = new Model(data)
      for (const { how, hasty, ...rest } of reads) {
        const options = hasty ? { withinMs: 0 } : {}
        try {
          if (how === 'line') {
            const line = await client.readLine(options)
            expect(line).toBe(model.line())
          } else if (how === 'bytes') {
            const { bytes } = rest as { bytes: number }
            const got = await client.read(bytes, options)
            expect(got.toString('latin1')).toBe(model.take(bytes).toString('latin1'))
          } else {
            let chunk: Buffer | undefined
            for await (chunk of client) break
            expect(chunk?.length ?? 0).toBeGreaterThan(model.rest.length === 0 ? -1 : 0)
            if (chunk) expect(chunk.equals(model.take(chunk.length))).toBe(true)
          }
        } catch (error) {
          if (!hasty || !(error instanceof NetgraceError)) throw error
          expect(error.code).toBe('ERR_NETGRACE_TIMEOUT')
        }
      }
      expect((await client.readToEnd()).equals(model.rest)).toBe(true)
      await sending
      expect(await client.ended).toMatchObject({ kind: 'eof', by: 'peer', certain: true, bytesRead: data.length })
      await bare.close()
    }),
    { numRuns: 200, seed: SEED },
  )
}, 60_000)
