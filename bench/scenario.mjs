import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { Worker } from 'node:worker_threads'

import { against, printIfMain } from './harness/bench.mjs'
import { alternate, median, ratios, spread } from './harness/figures.mjs'
import { Peer } from './harness/peer.mjs'
import { settings } from './harness/settings.mjs'

const BARE = new URL('parts/bare-client.mjs', import.meta.url)
const CLIENTS = 10
const MESSAGES = 10
const CROWD = 10_000
const WARM_UP_MS = 2000

/** The scenario beside the same by hand, and with ten thousand clients. */
export const bench = {
  name: 'scenario',
  title: 'The scenario: here, in threads, in processes',
  async run({ rounds, ms }) {
    const { runScenario, startEchoServer } = await import(settings.library)
    return [await tens(runScenario, rounds, ms), await crowds(runScenario, startEchoServer, Math.min(rounds, 3))]
  },
}

async function tens(runScenario, rounds, ms) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  const inline = await alternate(['by hand', 'ours'], rounds, (variant) => inlineTimes(variant, port, ms))
  const rows = [
    rowOf('inline, warm', inline, (times) => times.warm, '≤ 1.3'),
    rowOf("inline, a process's second", inline, (times) => times.second),
  ]
  for (const where of ['thread', 'process']) {
    const both = {
      'by hand': () => Promise.all(Array.from({ length: CLIENTS }, (_, n) => BY_HAND[where]({ port, messages: MESSAGES, id: n + 1 }))),
      ours: async () => (await runScenario({ host: '127.0.0.1', port }, { in: where, clients: CLIENTS, messages: MESSAGES })).assertOk(),
    }
    for (const one of Object.values(both)) await one() // the first loads the code
    rows.push(rowOf(where, await alternate(Object.keys(both), rounds, (variant) => timeOf(both[variant])), (took) => took, '≤ 1.3'))
  }
  server.close()
  await once(server, 'close')
  return rows
}

const BY_HAND = {
  thread: async (workerData) => mustBeZero(await once(new Worker(BARE, { workerData }), 'exit')),
  process: async (data) => mustBeZero(await once(fork(BARE, [JSON.stringify(data)]), 'exit')),
}

/** In a process of its own, so that neither runs code that the other has made the compiler unsure of. */
async function inlineTimes(variant, port, ms) {
  const peer = new Peer('inline-scenario')
  try {
    return await peer.call('time', { variant, port, clients: CLIENTS, messages: MESSAGES, warmMs: WARM_UP_MS, ms })
  } finally {
    await peer.end()
  }
}

function rowOf(where, results, figure, target) {
  const [bare, own] = ['by hand', 'ours'].map((variant) => results.get(variant).map(figure))
  const times = ratios(own, bare)
  return {
    [`${CLIENTS} × ${MESSAGES}`]: where,
    'by hand, ms': spread(bare, 1),
    '`runScenario`, ms': spread(own, 1),
    times: spread(times),
    ...(target ? against(median(times), target) : { target: '', holds: '' }),
  }
}

async function timeOf(run) {
  const startedAt = performance.now()
  await run()
  return performance.now() - startedAt
}

function mustBeZero([code]) {
  if (code !== 0) throw new Error(`a client by hand exited with ${code}`)
}

/** Each round dials another 127.0.x.y: ten thousand ports rest in TIME_WAIT behind it. */
async function crowds(runScenario, startEchoServer, rounds) {
  const rows = []
  for (const workers of [2, 4, 8]) {
    const runs = []
    for (let round = 0; round < rounds; round++)
      runs.push(await crowd(runScenario, startEchoServer, workers, `127.0.${workers}.${round + 1}`))
    rows.push({
      [`${CROWD.toLocaleString('en-US')} × ${MESSAGES}`]: `${workers} processes`,
      'echoes verified': runs.map(({ echoed }) => echoed.toLocaleString('en-US')).join(', '),
      'in all, s': spread(
        runs.map(({ ms }) => ms / 1000),
        1,
      ),
      'messages a second': spread(
        runs.map(({ perSecond }) => perSecond),
        0,
      ),
      'this process, MB': spread(
        runs.map(({ here }) => here),
        0,
      ),
      'most of one of theirs, MB': spread(
        runs.map(({ there }) => there),
        0,
      ),
      'left behind': runs.map(({ left }) => left).join(', '),
    })
  }
  return rows
}

async function crowd(runScenario, startEchoServer, workers, host) {
  const server = await startEchoServer({ host: '0.0.0.0', graceMs: 5000 })
  let there = 0
  let lookedAt = 0
  const startedAt = performance.now()
  const report = await runScenario(
    { host, port: server.port },
    {
      in: 'process',
      workers,
      clients: CROWD,
      messages: MESSAGES,
      timeoutMs: 120_000,
      onProgress: ({ elapsedMs }) => {
        if (elapsedMs < lookedAt + 500) return
        lookedAt = elapsedMs
        for (const pid of children()) there = Math.max(there, peakOf(pid))
      },
    },
  )
  const ms = performance.now() - startedAt
  const stopped = await server.stop()
  if (!report.ok) throw new Error(report.summary)
  if (stopped.accepted !== CROWD || stopped.forced.length > 0)
    throw new Error(`accepted ${stopped.accepted}, forced ${stopped.forced.length}`)
  return {
    ms,
    there,
    echoed: report.echoed,
    perSecond: report.messagesPerSecond,
    here: process.memoryUsage.rss() / 1e6,
    left: children().length,
  }
}

function children() {
  return readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  )
}

/** The most that it ever had resident. MB. */
function peakOf(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1000
  } catch {
    return 0 // it is gone
  }
}

await printIfMain(import.meta.url, bench)
