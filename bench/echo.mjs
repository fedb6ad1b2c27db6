import { against, printIfMain } from './harness/bench.mjs'
import { alternate, median, ratios, spread } from './harness/figures.mjs'
import { buildGoEcho, GoEcho } from './harness/go-echo.mjs'
import { Peer } from './harness/peer.mjs'
import { pin } from './harness/pin.mjs'

const WORDS = {
  pipe: '`socket.pipe(socket)`',
  echo: '`handlers.echo()`',
  iterate: 'iterates, awaits `send`',
  iterateWithoutAwaiting: 'iterates, does not await',
  go: 'Go, `io.Copy`',
}

/** Sharing its core, the compiler takes so long until all is optimised. */
const WARM_UP_MS = 1000

/** By how much of the bare server's throughput. */
const TARGETS = { echo: '≥ 0.97', iterate: '≥ 0.80', iterateWithoutAwaiting: '≥ 0.80' }

/**
 * Pinned, server and load share one core, and the figure is messages per second of that core's time: what else the machine
 * does is not in it. The last case is left to the scheduler, because Go may use all cores, and goes by the clock.
 */
const CASES = [
  { connections: 1, size: 64, pinned: true },
  { connections: 100, size: 64, pinned: true },
  { connections: 1, size: 65536, pinned: true },
  { connections: 100, size: 65536, pinned: true },
  { connections: 100, size: 64, pinned: false },
]

/** Echo throughput beside a bare server and beside Go, one load process for all. */
export const bench = {
  name: 'echo',
  title: 'Echo throughput',
  async run({ rounds, ms }) {
    const go = buildGoEcho()
    if (!go) console.log('go is not installed: its echo is left out')
    const variants = Object.keys(WORDS).filter((variant) => go || variant !== 'go')
    const tables = []
    try {
      for (const oneCase of CASES) {
        const results = await alternate(variants, rounds, (variant) => measure(variant, oneCase, { go, ms }))
        tables.push(variants.map((variant) => rowOf(variant, oneCase, results)))
      }
    } finally {
      go?.remove()
    }
    return tables
  },
}

/** A fresh server and a fresh load: what one measurement has warmed up or torn to pieces is not the next one's. */
async function measure(variant, { connections, size, pinned }, { go, ms }) {
  const load = new Peer('load', { keepsMemory: true })
  const server = variant === 'go' ? new GoEcho(go) : new Peer('echo-server', { args: [variant], keepsMemory: true })
  try {
    const port = await server.call('listen')
    if (pinned) for (const { pid } of [load, server]) pin(pid)
    return await load.call('run', { port, pid: server.pid, connections, size, warmMs: WARM_UP_MS, ms })
  } finally {
    await load.end()
    await server.end()
  }
}

function rowOf(variant, { connections, size, pinned }, results) {
  const column = (of, key) => results.get(of).map((result) => result[key])
  const figure = pinned && process.platform === 'linux' ? 'perCpuSecond' : 'perSecond'
  const perSecond = column(variant, figure)
  const beside = ratios(perSecond, column('pipe', figure))
  const besideGo = results.has('go') ? ratios(perSecond, column('go', figure)) : undefined
  const row = {
    [`${connections} × ${size === 64 ? '64 B' : '64 KB'}${pinned ? '' : ', not pinned'}`]: WORDS[variant],
    'messages per second': spread(perSecond, 0),
    'of `pipe`': variant === 'pipe' ? '' : spread(beside),
    'of Go': besideGo && variant !== 'go' ? spread(besideGo) : '',
    'server, µs a message': spread(column(variant, 'serverMicros')),
    'load, µs a message': median(column(variant, 'loadMicros')).toFixed(2),
    target: '',
    holds: '',
  }
  if (pinned && variant in TARGETS) Object.assign(row, against(median(beside), TARGETS[variant]))
  if (!pinned && variant === 'echo' && besideGo) {
    const { target, holds } = against(median(besideGo), '≥ 1.2')
    Object.assign(row, { target: `Go: ${target}`, holds })
  }
  return row
}

await printIfMain(import.meta.url, bench)
