import { against, printIfMain } from './harness/bench.mjs'
import { alternate, median, ratios, spread } from './harness/figures.mjs'
import { buildGoEcho, GoEcho } from './harness/go-echo.mjs'
import { Peer } from './harness/peer.mjs'

const WORDS = {
  pipe: '`socket.pipe(socket)`',
  echo: '`handlers.echo()`',
  iterate: 'iterates, awaits `send`',
  iterateWithoutAwaiting: 'iterates, does not await',
  go: 'Go, `io.Copy`',
}

/** By how much of the bare server's throughput. */
const TARGETS = { echo: '≥ 0.97', iterate: '≥ 0.80', iterateWithoutAwaiting: '≥ 0.80' }

const CASES = [
  { connections: 1, size: 64 },
  { connections: 100, size: 64 },
  { connections: 1, size: 65536 },
  { connections: 100, size: 65536 },
]

/** Echo throughput beside a bare server and beside Go, one load process for all. */
export const bench = {
  name: 'echo',
  title: 'Echo throughput',
  async run({ rounds, ms }) {
    const go = buildGoEcho()
    if (!go) console.log('go is not installed: its echo is left out')
    const load = new Peer('load')
    const variants = Object.keys(WORDS).filter((variant) => go || variant !== 'go')
    const tables = []
    try {
      for (const { connections, size } of CASES) {
        const results = await alternate(variants, rounds, async (variant) => {
          const server = variant === 'go' ? new GoEcho(go) : new Peer('echo-server', { args: [variant] })
          try {
            const port = await server.call('listen')
            return await load.call('run', { port, pid: server.pid, connections, size, warmMs: ms / 2, ms })
          } finally {
            await server.end()
          }
        })
        tables.push(variants.map((variant) => rowOf(variant, { connections, size }, results)))
      }
    } finally {
      await load.end()
      go?.remove()
    }
    return tables
  },
}

function rowOf(variant, { connections, size }, results) {
  const column = (of, key) => results.get(of).map((result) => result[key])
  const perSecond = column(variant, 'perSecond')
  const beside = ratios(perSecond, column('pipe', 'perSecond'))
  const row = {
    [`${connections} × ${size === 64 ? '64 B' : '64 KB'}`]: WORDS[variant],
    'messages per second': spread(perSecond, 0),
    'of `pipe`': variant === 'pipe' ? '' : spread(beside),
    'server CPU µs a message': median(column(variant, 'serverMicros')).toFixed(2),
    'load CPU': median(column(variant, 'loadBusy')).toFixed(2),
    'of Go': '',
    target: '',
    holds: '',
  }
  if (variant in TARGETS) Object.assign(row, against(median(beside), TARGETS[variant]))
  if (variant === 'echo' && results.has('go')) {
    const besideGo = ratios(perSecond, column('go', 'perSecond'))
    row['of Go'] = spread(besideGo)
    if (connections === 100 && size === 64) {
      const { target, holds } = against(median(besideGo), '≥ 1.2')
      row.target += `; Go ${target}`
      row.holds += `; ${holds}`
    }
  }
  return row
}

await printIfMain(import.meta.url, bench)
