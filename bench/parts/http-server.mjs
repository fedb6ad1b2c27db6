// The HTTP servers that are compared, and their stops; argv names one.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'

import { Accepted } from '../harness/accepted.mjs'
import { answer, netgraceBuild } from '../harness/answer.mjs'
import { HoldProbe } from '../harness/hold-probe.mjs'

const accepted = new Accepted()
let stop

const variants = {
  bare: (server) => () => new Promise((resolve) => server.close(resolve)),
  async supervised(server) {
    const { superviseServer } = await import(netgraceBuild)
    const supervised = await superviseServer(server)
    return async () => {
      const { drained, forced } = await supervised.stop({ graceMs: 30_000 })
      return { drained: drained.length, forced: forced.length }
    }
  },
  async terminator(server) {
    const { createHttpTerminator } = await import('http-terminator')
    const terminator = createHttpTerminator({ server })
    return () => terminator.terminate()
  },
  async stoppable(server) {
    const { default: stoppable } = await import('stoppable')
    const able = stoppable(server)
    return () => new Promise((resolve) => able.stop(resolve))
  },
}

async function listen(answers = true) {
  const server = createServer((_request, response) => {
    if (answers) accepted.one()
    response.end('hello')
  })
  server.keepAliveTimeout = 600_000 // or the idle ones would go by themselves
  await once(server.listen(0, '127.0.0.1'), 'listening')
  stop = await variants[process.argv[2]](server)
  return server.address().port
}

async function stopped() {
  await turn()
  const probe = new HoldProbe()
  await turn()
  const before = performance.now()
  const report = await stop()
  const tookMs = performance.now() - before
  return { hold: await probe.end(), tookMs, report }
}

answer({ listen, accepted: (count) => accepted.more(count), stopped })
