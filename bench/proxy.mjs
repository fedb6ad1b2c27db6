import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { against, printIfMain } from './harness/bench.mjs'
import { alternate, median, ratios, spread } from './harness/figures.mjs'
import { Peer } from './harness/peer.mjs'
import { between, buildGo, isInstalled, PROXIES } from './harness/proxies.mjs'

const WARM_UP_MS = 500

/** Requests a second, by how many connections; `target` is by how much of Go's. */
const REQUESTS = [{ connections: 1 }, { connections: 10, target: '≥ 1.0' }, { connections: 100, target: '≥ 0.9' }]

const LINKS = 500
const LATENCIES = [1, 10, 100]

/** A rate is kept in slices; so long takes a number of them of which one more or less is nothing: 5 s at 10 KB a second. */
const SLICES_MS = 50_000_000
const BANDWIDTHS = [10_000, 100_000, 1_000_000, 10_000_000, 100_000_000]

/** What a proxy without faults costs, and how exact its faults are. Each part has a process of its own; the clock counts, because Go may use all cores. */
export const bench = {
  name: 'proxy',
  title: 'The fault proxy',
  async run({ rounds, ms }) {
    const go = buildGo()
    const variants = Object.keys(PROXIES).filter((one) => (one === 'go' ? go : one === 'socat' ? isInstalled('socat') : true))
    try {
      const tables = [await throughput(variants, rounds, ms, go, 'down'), await throughput(variants, rounds, ms, go, 'up')]
      for (const one of REQUESTS) tables.push(await requests(variants, rounds, ms, go, one))
      tables.push(await memory(variants, go), await latencies(rounds), await bandwidths(ms))
      return tables
    } finally {
      go?.remove()
    }
  },
}

/** One connection, as much as goes: from the server, or to it. */
async function throughput(variants, rounds, ms, go, direction) {
  const [serves, dials] = direction === 'down' ? ['flood', 'drink'] : ['swallow', 'pour']
  const results = await alternate(variants, rounds, (variant) =>
    between(variant, go, 'sink', [serves], async (portFor, server) => {
      const client = new Peer('sink')
      try {
        await client.call(dials, await portFor(client))
        await sleep(WARM_UP_MS)
        return (await (direction === 'down' ? client : server).call('bytesPerSecond', ms)) / 2 ** 20
      } finally {
        await client.end()
      }
    }),
  )
  return variants.map((variant) => rowOf(variant, results, `throughput ${direction}, MiB a second`, '≥ 1.0'))
}

async function requests(variants, rounds, ms, go, { connections, target }) {
  const results = await alternate(variants, rounds, (variant) =>
    between(variant, go, 'echo-server', ['pipe'], async (portFor, { pid }) => {
      const load = new Peer('load', { keepsMemory: true })
      try {
        return (await load.call('run', { port: await portFor(load), pid, connections, size: 64, warmMs: WARM_UP_MS, ms })).perSecond
      } finally {
        await load.end()
      }
    }),
  )
  return variants.map((variant) => rowOf(variant, results, `requests a second, ${connections} × 64 B`, target))
}

function rowOf(variant, results, what, target) {
  const figures = results.get(variant)
  const beside = results.has('go') && variant !== 'go' ? ratios(figures, results.get('go')) : undefined
  const judged = variant === 'netgrace' && beside && target ? against(median(beside), target) : { target: '', holds: '' }
  return { proxy: PROXIES[variant], [what]: spread(figures, 0), 'of Go': beside ? spread(beside) : '', ...judged }
}

/** Memory of an idle link that has carried a message. */
async function memory(variants, go) {
  const rows = []
  for (const variant of variants.filter((one) => one === 'netgrace' || one === 'go' || one === 'socat')) {
    rows.push(
      await between(variant, go, 'echo-server', ['pipe'], async (portFor, _server, proxy, pid) => {
        const heap = async () => (await proxy?.call('memory'))?.heap
        const before = { heap: await heap(), kb: residentKb(pid) }
        const clients = new Peer('idle-clients')
        try {
          await clients.call('open', await portFor(clients), LINKS, 'hello')
          const heapBytes = (await heap()) - before.heap
          return {
            proxy: PROXIES[variant],
            links: LINKS,
            'resident KB a link': ((residentKb(pid) - before.kb) / LINKS).toFixed(1),
            'heap KB a link': proxy ? (heapBytes / LINKS / 1024).toFixed(1) : '',
          }
        } finally {
          await clients.end()
        }
      }),
    )
  }
  return rows
}

/** Of a process and its children, of which `socat` has one a link; a page that they share counts once. */
function residentKb(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  return [pid, ...children].reduce(
    (sum, one) => sum + Number(/^Pss: +(\d+)/m.exec(readFileSync(`/proc/${one}/smaps_rollup`, 'utf8'))[1]),
    0,
  )
}

/** How long the fault held each of the answers, one after the other; and the round trips, which tell of the machine as well. */
async function latencies(rounds) {
  const rows = []
  for (const ms of LATENCIES) {
    const measured = []
    for (let round = 0; round < rounds; round++) measured.push(await heldFor(ms))
    const off = p99(measured.flatMap(({ held }) => held.map((one) => Math.abs(one - ms))))
    rows.push({
      'latency, ms': ms,
      'held, p50 ms': spread(measured.map(({ held }) => median(held))),
      'off, p99 ms': off.toFixed(2),
      ...against(off, '≤ 2'),
      'round trip, p50 ms': spread(measured.map(({ took }) => median(took))),
      'p99 ms': p99(measured.flatMap(({ took }) => took)).toFixed(2),
      'without the fault, p50 ms': spread(measured.map(({ bare }) => median(bare))),
      'and p99 ms': p99(measured.flatMap(({ bare }) => bare)).toFixed(2),
    })
  }
  return rows
}

/** A machine that has slept is slow to answer: without the fault it is asked as seldom. */
async function heldFor(ms) {
  const count = ms === 100 ? 100 : 500
  const ask = (fault, how) => between('netgrace', undefined, 'echo-server', ['pipe'], asked({ count, ...how }), fault)
  const { took: bare } = await ask({}, { pauseMs: ms })
  return { bare, ...(await ask({ fault: 'latency', options: { ms } }, {})) }
}

const asked = (how) => async (portFor, _server, proxy) => {
  const asker = new Peer('sink')
  try {
    return {
      took: await asker.call('roundTrips', { port: await portFor(asker), ...how }),
      held: (await proxy.call('held')).slice(-how.count),
    }
  } finally {
    await asker.end()
  }
}

function p99(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length * 0.99)]
}

async function bandwidths(ms) {
  const rows = []
  for (const bytesPerSecond of BANDWIDTHS) {
    const fault = { fault: 'bandwidth', options: { bytesPerSecond } }
    const rate = await between('netgrace', undefined, 'sink', ['flood'], drunk(Math.max(ms, 2000, SLICES_MS / bytesPerSecond)), fault)
    const error = Math.abs(rate / bytesPerSecond - 1) * 100
    rows.push({ 'bytes a second': bytesPerSecond, came: Math.round(rate), 'off, %': error.toFixed(2), ...against(error, '≤ 1') })
  }
  return rows
}

const drunk = (ms) => async (portFor) => {
  const drinker = new Peer('sink')
  try {
    await drinker.call('drink', await portFor(drinker))
    await sleep(WARM_UP_MS)
    return await drinker.call('bytesPerSecond', ms)
  } finally {
    await drinker.end()
  }
}

await printIfMain(import.meta.url, bench)
