// How long a check takes that finds nothing, while handles are open elsewhere.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

import { answer, netgraceBuild } from '../harness/answer.mjs'

const CHECKS = 500

/** Milliseconds, of each check. `handles` sockets and timers stay open meanwhile, opened under a watch of their own. */
async function check(handles) {
  const { findLeaks, watchLeaks } = await import(netgraceBuild)
  const watch = watchLeaks()
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  for (let n = 0; n < handles / 4; n++) {
    await once(connect(server.address().port, '127.0.0.1'), 'connect')
    setInterval(() => {}, 60_000)
    setTimeout(() => {}, 60_000)
  }
  const tookMs = []
  for (let n = 0; n < CHECKS; n++) {
    const startedAt = performance.now()
    const leaks = await findLeaks(() => {})
    tookMs.push(performance.now() - startedAt)
    if (leaks.length > 0) throw new Error(`${leaks.length} leaks of nothing`)
  }
  const open = await watch.find()
  if (open.length < handles) throw new Error(`${open.length} handles are open, not ${handles}`)
  return tookMs
}

answer({ check })
