import { against, printIfMain } from './harness/bench.mjs'
import { alternate, median, spread } from './harness/figures.mjs'
import { Peer } from './harness/peer.mjs'

/** A process a measurement is quick: so many more of them. */
const PER_ROUND = 5

/** What importing the library costs a test file. */
export const bench = {
  name: 'import',
  title: 'Import',
  async run({ rounds }) {
    const results = await alternate(['empty', 'netgrace'], rounds * PER_ROUND, async (variant) => {
      const peer = new Peer('import', { args: [variant] })
      try {
        return await peer.call('time')
      } finally {
        await peer.end()
      }
    })
    const empty = results.get('empty')
    const ours = results.get('netgrace')
    const more = ours.map((ms, round) => ms - empty[round])
    return [
      [
        { import: 'an empty module', ms: spread(empty, 1), more: '' },
        { import: '`netgrace`', ms: spread(ours, 1), more: spread(more, 1), ...against(median(more), '≤ 30') },
      ],
    ]
  },
}

await printIfMain(import.meta.url, bench)
