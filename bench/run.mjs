// node bench/run.mjs [name…] [--rounds 5] [--ms 1000] [--library dist/index.js]: prints the tables of RESULTS.md. Build first.
import { bench as echo } from './echo.mjs'
import { bench as faultPairs } from './fault-pairs.mjs'
import { print } from './harness/bench.mjs'
import { names } from './harness/settings.mjs'
import { bench as importing } from './import.mjs'
import { bench as leaks } from './leaks.mjs'
import { bench as memory } from './memory.mjs'
import { bench as proxy } from './proxy.mjs'
import { bench as scenario } from './scenario.mjs'
import { bench as startStop } from './start-stop.mjs'
import { bench as stop } from './stop.mjs'
import { bench as supervise } from './supervise.mjs'

const benches = [echo, startStop, memory, stop, proxy, faultPairs, supervise, scenario, leaks, importing]
const unknown = names.find((name) => !benches.some((bench) => bench.name === name))
if (unknown) throw new RangeError(`no bench is called ${unknown}; there are ${benches.map((bench) => bench.name).join(', ')}`)

for (const bench of benches) {
  if (names.length === 0 || names.includes(bench.name)) await print(bench)
}
