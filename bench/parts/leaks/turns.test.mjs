// The same loops in short blocks, watched and not watched by turns: what else the machine does hits both alike.
import { writeFileSync } from 'node:fs'

import { test } from 'vitest'

import { watchTheLeast } from './least.mjs'
import { openLoops, timed } from './loops.mjs'

const { findLeaks } = await import(new URL('leaks.js', process.env.NETGRACE_BUILD))

const ROUNDS = 40
const WARM_UP = 4
/** What a block does; it takes some 25 ms. */
const BLOCKS = { echo: 10, connect: 250 }
/** Of a block, for the sockets of the block before to go. */
const LEAD = 0.1

const ways = Object.entries({ none: (act) => act(), least: watchTheLeast, watched: (act) => findLeaks(act) })

test('loops of sockets, by turns', { timeout: 600_000 }, async () => {
  const loops = await openLoops((ROUNDS + WARM_UP) * ways.length * (1 + LEAD) * (10 * BLOCKS.echo + BLOCKS.connect))
  const took = {}
  for (const [name, rounds] of Object.entries(BLOCKS)) {
    took[name] = []
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      const ms = {}
      for (const [way, watching] of turned(ways, round)) {
        await watching(async () => {
          await timed(loops[name].run, rounds * LEAD)
          ms[way] = await timed(loops[name].run, rounds)
        })
      }
      if (round >= 0) took[name].push(ms)
    }
  }
  await loops.close()
  writeFileSync(process.env.NETGRACE_BENCH_RESULT, JSON.stringify(took))
})

/** Forwards and backwards by turns, and each is first in its time: all come behind each other alike. */
function turned(list, by) {
  const at = Math.abs(by >> 1) % list.length
  const from = [...list.slice(at), ...list.slice(0, at)]
  return by % 2 === 0 ? from : from.toReversed()
}
