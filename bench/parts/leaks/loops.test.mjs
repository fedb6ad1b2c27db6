// What a test file does with sockets, timed from within, so that one file can be run with this detector and that one.
import { writeFileSync } from 'node:fs'

import { test } from 'vitest'

import { openLoops, timed } from './loops.mjs'

const ROUNDS = { echo: 200, connect: 10_000 }
const WARM_UP = 0.1
const scale = Number(process.env.NETGRACE_BENCH_SCALE)

test('loops of sockets', { timeout: 600_000 }, async () => {
  const loops = await openLoops((10 * ROUNDS.echo + ROUNDS.connect) * scale * (1 + WARM_UP))
  const took = {}
  for (const [name, rounds] of Object.entries(ROUNDS)) {
    await timed(loops[name].run, rounds * scale * WARM_UP)
    took[name] = await timed(loops[name].run, rounds * scale)
  }
  await loops.close()
  writeFileSync(process.env.NETGRACE_BENCH_RESULT, JSON.stringify(took))
})
