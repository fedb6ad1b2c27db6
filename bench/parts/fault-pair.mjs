// A proxy with faults on one lane, and what they take of its process. Runs with --expose-gc.
import { setTimeout as sleep } from 'node:timers/promises'

import { answer, netgraceBuild } from '../harness/answer.mjs'
import { HoldProbe } from '../harness/hold-probe.mjs'

const MB = 2 ** 20

let proxy
let before
/** Bytes that came to the first fault, and that any of them has swallowed. */
const bytes = { came: 0, dropped: 0 }

/** @param names  `[fault, options]` each, in the order of the lane. */
async function listen(upstream, names) {
  const { startProxy, faults } = await import(netgraceBuild)
  proxy = await startProxy({ host: '127.0.0.1', port: upstream }, { seed: 1 })
  const where = { direction: 'downstream', optional: true }
  proxy.inject(counting, where)
  for (const [name, options] of names) proxy.inject(swallowing(faults[name](options)), where)
  before = await used()
  return proxy.port
}

function counting(lane) {
  return {
    push(item) {
      if (typeof item !== 'symbol') bytes.came += item.length
      lane.emit(item)
    },
    flush() {},
    dispose() {},
  }
}

/** The same fault, and what it drops is counted. */
function swallowing(fault) {
  const counted = (lane) => {
    const seen = Object.create(lane, { drop: { value: (count) => ((bytes.dropped += count), lane.drop(count)) } })
    for (const key of ['link', 'direction', 'random', 'timers', 'hasRoom']) Object.defineProperty(seen, key, { get: () => lane[key] })
    for (const key of ['now', 'emit', 'finish']) seen[key] = lane[key].bind(lane)
    return fault(seen)
  }
  const { name, options, inFlightBytes, apart } = fault
  return Object.assign(Object.defineProperty(counted, 'name', { value: name }), { options, inFlightBytes, apart })
}

/** For so long from now: the longest hold, in CPU time; then what the lane takes beyond its bytes; and the longest hold while all faults are healed. */
async function measure(ms) {
  const probe = new HoldProbe()
  await sleep(ms)
  const { cpuMs } = await probe.end()
  const [link] = proxy.links
  const held = bytes.came - bytes.dropped - link.bytes.downstream
  const beyondMb = ((await used()) - before - held) / MB
  const healing = new HoldProbe()
  proxy.heal()
  await sleep(50)
  return { beyondMb, heldMb: held / MB, holdMs: cpuMs, healMs: (await healing.end()).cpuMs, residentMb: process.memoryUsage().rss / MB }
}

async function used() {
  for (let n = 0; n < 3; n++) {
    await sleep(5)
    gc()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

answer({ listen, measure })
