import { against, printIfMain } from './harness/bench.mjs'
import { Peer } from './harness/peer.mjs'

const FAULTS = {
  'latency 50 ms': ['latency', { ms: 50 }],
  'latency 10 s ± 5 s': ['latency', { ms: 10_000, jitterMs: 5000 }],
  'loss 1 in 4': ['loss', { share: 0.25, rtoMs: 50 }],
  'bandwidth 40 B/s': ['bandwidth', { bytesPerSecond: 40 }],
  'bandwidth 1 MB/s': ['bandwidth', { bytesPerSecond: 1_000_000 }],
  'slicer 1 B': ['slicer', { size: 1 }],
  'slicer 16 B, 1 ms': ['slicer', { size: 16, variation: 8, gapMs: 1 }],
  stall: ['stall'],
  blackhole: ['blackhole'],
  corrupt: ['corrupt'],
  slowClose: ['slowClose', { ms: 1000 }],
}

const MEMORY_TARGET = '≤ 8'
const HOLD_TARGET = '≤ 25'

/** Beyond this a fault has no bound, and the process ends with an error. */
const HEAP_LIMIT = '--max-old-space-size=2048'

/** What every two faults, in either order, take on one lane whose sender never rests. */
export const bench = {
  name: 'fault-pairs',
  title: 'Two faults on one lane',
  async run({ ms }) {
    const names = Object.keys(FAULTS)
    const server = new Peer('sink', { args: ['flood'] })
    const drinker = new Peer('sink')
    try {
      const upstream = await server.call('listen')
      const results = []
      for (const first of names) {
        for (const second of names) results.push({ first, second, ...(await pair(upstream, drinker, [FAULTS[first], FAULTS[second]], ms)) })
      }
      return [
        matrix(names, results, 'beyond its bytes, MB', ({ beyondMb }) => beyondMb),
        matrix(names, results, 'longest hold, ms of CPU', longest),
        [
          worst(results, 'most beyond its bytes, MB', ({ beyondMb }) => beyondMb, MEMORY_TARGET),
          worst(results, 'longest hold, ms of CPU', ({ holdMs }) => holdMs, HOLD_TARGET),
          worst(results, 'longest hold while both are healed, ms of CPU', ({ healMs }) => healMs, HOLD_TARGET),
          worst(results, 'most in flight, MB', ({ heldMb }) => heldMb),
          worst(results, 'the process, MB resident', ({ residentMb }) => residentMb),
        ],
      ]
    } finally {
      await drinker.end()
      await server.end()
    }
  },
}

async function pair(upstream, drinker, faults, ms) {
  const proxy = new Peer('fault-pair', { execArgv: ['--expose-gc', HEAP_LIMIT] })
  try {
    await drinker.call('drink', await proxy.call('listen', upstream, faults))
    return await proxy.call('measure', ms)
  } finally {
    await proxy.end()
  }
}

function longest({ holdMs, healMs }) {
  return Math.max(holdMs, healMs)
}

function matrix(names, results, what, of) {
  return names.map((first) => {
    const row = results.filter((result) => result.first === first)
    return { [`${what}; then →`]: first, ...Object.fromEntries(row.map((result) => [result.second, of(result).toFixed(1)])) }
  })
}

function worst(results, what, of, target) {
  const most = results.reduce((one, other) => (of(other) > of(one) ? other : one))
  return {
    'the worst of all': what,
    is: of(most).toFixed(1),
    of: `${most.first}, then ${most.second}`,
    ...(target && against(of(most), target)),
  }
}

await printIfMain(import.meta.url, bench)
