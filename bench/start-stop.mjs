import { against, printIfMain } from './harness/bench.mjs'
import { alternate, median, ratios, spread } from './harness/figures.mjs'
import { Peer } from './harness/peer.mjs'

const WARM_UP = 2000
const TIMES = 500

/** Start and stop of a server that nobody connects to. */
export const bench = {
  name: 'start-stop',
  title: 'Start and stop',
  async run({ rounds }) {
    const peer = new Peer('start-stop')
    try {
      for (const variant of ['bare', 'netgrace']) await peer.call('time', variant, WARM_UP)
      const results = await alternate(['bare', 'netgrace'], rounds, (variant) => peer.call('time', variant, TIMES))
      const bare = results.get('bare')
      const ours = results.get('netgrace')
      const times = ratios(ours, bare)
      return [
        [
          { [`median of ${TIMES}`]: '`listen` and `close`', µs: spread(bare, 0), times: '' },
          {
            [`median of ${TIMES}`]: '`startEchoServer` and `stop`',
            µs: spread(ours, 0),
            times: spread(times),
            ...against(median(times), '≤ 3'),
          },
        ],
      ]
    } finally {
      await peer.end()
    }
  },
}

await printIfMain(import.meta.url, bench)
