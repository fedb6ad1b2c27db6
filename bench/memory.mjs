import { against, printIfMain } from './harness/bench.mjs'
import { Crowd } from './harness/crowd.mjs'
import { alternate, median, spread } from './harness/figures.mjs'
import { Peer } from './harness/peer.mjs'

const CONNECTIONS = 2000

const VARIANTS = {
  socket: { words: 'bare accepted socket' },
  pipe: { words: 'bare, `socket.pipe(socket)`' },
  silent: { words: '`handlers.silent()`', target: '≤ 2' },
  echo: { words: '`handlers.echo()`', target: '≤ 2' },
  iterate: { words: 'a handler that iterates', target: '≤ 2' },
  pipeUsed: { words: 'bare, `socket.pipe(socket)`, after a message', part: 'pipe', message: 'hello' },
  echoUsed: { words: '`handlers.echo()`, after a message', part: 'echo', message: 'hello', beside: 'pipeUsed', target: '≤ 2' },
}

/** What an idle connection takes of the server's memory. */
export const bench = {
  name: 'memory',
  title: 'Memory per live connection',
  async run({ rounds }) {
    const results = await alternate(Object.keys(VARIANTS), rounds, perConnection)
    return [Object.keys(VARIANTS).map((variant) => rowOf(variant, results))]
  },
}

/** KB a connection, in a fresh server. */
async function perConnection(variant) {
  const { part = variant, message } = VARIANTS[variant]
  const server = new Peer('memory-server', { args: [part], execArgv: ['--expose-gc'] })
  const crowd = new Crowd()
  try {
    const port = await server.call('listen')
    await crowd.connect(server, port, 200, message) // what is made once is made now
    const before = await server.call('memory')
    await crowd.connect(server, port, CONNECTIONS, message)
    const after = await server.call('memory')
    const each = (key) => (after[key] - before[key]) / CONNECTIONS / 1024
    return { heap: each('heapUsed'), external: each('external'), rss: each('rss') }
  } finally {
    await crowd.end()
    await server.end()
  }
}

function rowOf(variant, results) {
  const { words, target, beside = 'socket' } = VARIANTS[variant]
  const column = (of, key) => results.get(of).map((result) => result[key])
  const more = column(variant, 'heap').map((heap, round) => heap - results.get(beside)[round].heap)
  return {
    [`${CONNECTIONS} connections, KB each`]: words,
    heap: spread(column(variant, 'heap')),
    'more than bare': target ? spread(more) : '',
    external: median(column(variant, 'external')).toFixed(2),
    resident: spread(column(variant, 'rss'), 1),
    ...(target && against(median(more), target)),
  }
}

await printIfMain(import.meta.url, bench)
