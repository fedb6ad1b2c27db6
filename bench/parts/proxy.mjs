// The proxy in a process of its own.
import { answer, netgraceBuild } from '../harness/answer.mjs'

/** A flood is not what is timed. */
const MOST_NOTES = 100_000

let proxy
/** When each chunk came to the fault, and when it left it. */
const came = []
const left = []

async function listen({ upstream, fault, options }) {
  const { startProxy, faults } = await import(netgraceBuild)
  proxy = await startProxy({ host: '127.0.0.1', port: upstream })
  if (fault) {
    const where = { direction: 'downstream', optional: true }
    proxy.inject(noting(came, 'came'), where)
    proxy.inject(faults[fault](options), where)
    proxy.inject(noting(left, 'left'), where)
  }
  return proxy.port
}

/** A fault that does nothing but to look at the clock. */
function noting(times, name) {
  const fault = (lane) => ({
    push(item) {
      if (times.length < MOST_NOTES) times.push(performance.now())
      lane.emit(item)
    },
    flush() {},
    dispose() {},
  })
  return Object.defineProperty(fault, 'name', { value: name })
}

/** How long each chunk was held. Milliseconds. */
function held() {
  return left.map((at, n) => at - came[n])
}

/** Bytes, once what is garbage has gone. */
function memory() {
  globalThis.gc?.()
  return { heap: process.memoryUsage().heapUsed }
}

answer({ listen, memory, held })
