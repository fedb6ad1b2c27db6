// The proxy in a process of its own.
import { answer, netgraceBuild } from '../harness/answer.mjs'

let proxy

async function listen({ upstream, fault, options }) {
  const { startProxy, faults } = await import(netgraceBuild)
  proxy = await startProxy({ host: '127.0.0.1', port: upstream })
  if (fault) proxy.inject(faults[fault](options), { direction: 'downstream', optional: true })
  return proxy.port
}

/** Resident memory a link, of `count` idle ones. */
function memory() {
  globalThis.gc?.()
  return { links: proxy.links.size, rss: process.memoryUsage().rss, heap: process.memoryUsage().heapUsed }
}

answer({ listen, memory })
