import { against, printIfMain } from './harness/bench.mjs'
import { Crowd } from './harness/crowd.mjs'
import { alternate, median, spread } from './harness/figures.mjs'
import { Peer } from './harness/peer.mjs'

const CONNECTIONS = 10_000

const WORDS = {
  destroy: 'a plain destroy loop',
  drained: '`stop()`, all drained',
  forced: '`stop({ graceMs: 0 })`, all forced',
}

/** How long a stop with thousands of live sockets holds the event loop in one go. */
export const bench = {
  name: 'stop',
  title: `Stop with ${CONNECTIONS.toLocaleString('en-US')} live sockets`,
  async run({ rounds }) {
    const results = await alternate(Object.keys(WORDS), rounds, stopOne)
    return [Object.keys(WORDS).map((variant) => rowOf(variant, results.get(variant)))]
  },
}

async function stopOne(variant) {
  const server = new Peer('stop-server', { args: [variant] })
  const crowd = new Crowd()
  try {
    await crowd.connect(server, await server.call('listen'), CONNECTIONS)
    const result = await server.call('stopped')
    const ended = result.report[variant]
    if (ended !== undefined && ended !== 'all' && ended !== CONNECTIONS) throw new Error(`${variant}: ${JSON.stringify(result.report)}`)
    return result
  } finally {
    await crowd.end()
    await server.end()
  }
}

function rowOf(variant, results) {
  const holds = results.map(({ hold }) => hold.ms)
  return {
    [`${CONNECTIONS.toLocaleString('en-US')} sockets`]: WORDS[variant],
    'longest hold, ms': spread(holds, 1),
    'its CPU, ms': spread(
      results.map(({ hold }) => hold.cpuMs),
      1,
    ),
    'in all, ms': spread(
      results.map(({ tookMs }) => tookMs),
      0,
    ),
    ...(variant !== 'destroy' && against(median(holds), '≤ 25')),
  }
}

await printIfMain(import.meta.url, bench)
