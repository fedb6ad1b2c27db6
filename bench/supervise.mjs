import { once } from 'node:events'
import { connect } from 'node:net'

import { against, printIfMain } from './harness/bench.mjs'
import { Crowd } from './harness/crowd.mjs'
import { alternate, median, ratios, spread } from './harness/figures.mjs'
import { Peer } from './harness/peer.mjs'
import { pin } from './harness/pin.mjs'

const IDLE = 5000

const WORDS = {
  bare: 'bare `node:http`',
  supervised: '`superviseServer`',
  terminator: 'http-terminator 3',
  stoppable: 'stoppable 1',
}

const ASK = 'GET / HTTP/1.1\r\nhost: bench\r\n\r\n'

/** Sharing its core, the compiler takes so long until all is optimised. */
const WARM_UP_MS = 1000

/** What supervising costs an HTTP server, and its stop with thousands of idle keep-alive connections. */
export const bench = {
  name: 'supervise',
  title: 'Supervising an HTTP server',
  async run({ rounds, ms }) {
    const variants = Object.keys(WORDS)
    const requests = await alternate(variants, rounds, (variant) => askIt(variant, ms))
    const stops = await alternate(variants, rounds, stopIt)
    return [variants.map((variant) => requestsRow(variant, requests)), variants.map((variant) => stopRow(variant, stops))]
  },
}

/** A fresh server and a fresh load, on one core: the figure is requests per second of that core's time. */
async function askIt(variant, ms) {
  const load = new Peer('load', { keepsMemory: true })
  const server = new Peer('http-server', { args: [variant], keepsMemory: true })
  try {
    const port = await server.call('listen', false)
    const size = await sizeOfAnswer(port)
    for (const { pid } of [load, server]) pin(pid)
    return await load.call('run', { port, pid: server.pid, connections: 50, size, ask: ASK, warmMs: WARM_UP_MS, ms })
  } finally {
    await load.end()
    await server.end()
  }
}

async function sizeOfAnswer(port) {
  const socket = connect(port, '127.0.0.1')
  socket.write(ASK)
  let answer = ''
  while (!answer.endsWith('\r\n\r\nhello')) answer += String((await once(socket, 'data'))[0])
  socket.destroy()
  return answer.length
}

async function stopIt(variant) {
  const server = new Peer('http-server', { args: [variant] })
  const crowd = new Crowd()
  try {
    await crowd.connect(server, await server.call('listen'), IDLE, ASK)
    const result = await server.call('stopped')
    if (variant === 'supervised' && result.report.drained !== IDLE) throw new Error(JSON.stringify(result.report))
    return result
  } finally {
    await crowd.end()
    await server.end()
  }
}

function requestsRow(variant, results) {
  const column = (of, key) => results.get(of).map((result) => result[key])
  const figure = process.platform === 'linux' ? 'perCpuSecond' : 'perSecond'
  const beside = ratios(column(variant, figure), column('bare', figure))
  return {
    '50 connections, keep-alive': WORDS[variant],
    'requests per second': spread(column(variant, figure), 0),
    'of bare': variant === 'bare' ? '' : spread(beside, 3),
    'server, µs a request': spread(column(variant, 'serverMicros')),
    'of bare’s': variant === 'bare' ? '' : spread(ratios(column(variant, 'serverMicros'), column('bare', 'serverMicros')), 3),
    target: '',
    holds: '',
    ...(variant === 'supervised' && against(median(beside), '≥ 0.97')),
  }
}

function stopRow(variant, results) {
  const column = (pick) => spread(results.get(variant).map(pick), 1)
  return {
    [`stop, ${IDLE.toLocaleString('en-US')} idle`]: WORDS[variant],
    'longest hold, ms': column(({ hold }) => hold.ms),
    'its CPU, ms': column(({ hold }) => hold.cpuMs),
    'in all, ms': column(({ tookMs }) => tookMs),
  }
}

await printIfMain(import.meta.url, bench)
