// Ten clients, ten messages, in the event loop of one process: by hand, or by netgrace.
import { answer, netgraceBuild } from '../harness/answer.mjs'
import { median } from '../harness/figures.mjs'
import { talk } from './bare-talk.mjs'

const byHand = (port, clients, messages) => () => Promise.all(Array.from({ length: clients }, (_, n) => talk(port, messages, n + 1)))

async function ours(port, clients, messages) {
  const { runScenario } = await import(netgraceBuild)
  const to = { host: '127.0.0.1', port }
  return async () => (await runScenario(to, { clients, messages })).assertOk()
}

/** How long one takes: the second of the process, and once it is warm. Milliseconds. */
async function time({ variant, port, clients, messages, warmMs, ms }) {
  const run = variant === 'ours' ? await ours(port, clients, messages) : byHand(port, clients, messages)
  await run() // loads the code
  const second = await timed(run)
  await during(warmMs, run)
  return { second, warm: median(await during(ms, run)) }
}

async function during(ms, run) {
  const took = []
  for (const until = performance.now() + ms; performance.now() < until;) took.push(await timed(run))
  return took
}

async function timed(run) {
  const startedAt = performance.now()
  await run()
  return performance.now() - startedAt
}

answer({ time })
