// The same loops in short blocks, watched and not watched by turns: what else the machine does hits both alike.
import { writeFileSync } from 'node:fs'

import { test } from 'vitest'

import { openLoops, timed } from './loops.mjs'

const { findLeaks } = await import(new URL('leaks.js', process.env.NETGRACE_BUILD))

const PAIRS = 40
const WARM_UP = 4
/** What a block does; it takes some 25 ms. */
const BLOCKS = { echo: 10, connect: 250 }
/** Of a block, for the sockets of the block before to go. */
const LEAD = 0.1

const ways = { none: (act) => act(), watched: (act) => findLeaks(act) }

test('loops of sockets, by turns', { timeout: 600_000 }, async () => {
  const loops = await openLoops((PAIRS + WARM_UP) * 2 * (1 + LEAD) * (10 * BLOCKS.echo + BLOCKS.connect))
  const took = {}
  for (const [name, rounds] of Object.entries(BLOCKS)) {
    took[name] = []
    for (let pair = -WARM_UP; pair < PAIRS; pair++) {
      const ms = {}
      const names = Object.keys(ways)
      for (const way of pair % 2 === 0 ? names : names.toReversed()) {
        await ways[way](async () => {
          await timed(loops[name].run, rounds * LEAD)
          ms[way] = await timed(loops[name].run, rounds)
        })
      }
      if (pair >= 0) took[name].push(ms)
    }
  }
  await loops.close()
  writeFileSync(process.env.NETGRACE_BENCH_RESULT, JSON.stringify(took))
})
