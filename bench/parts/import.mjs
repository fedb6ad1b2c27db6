// Imports what argv names, once, in a fresh process.
import { answer, netgraceBuild } from '../harness/answer.mjs'

const which = { netgrace: netgraceBuild, empty: './empty.mjs' }[process.argv[2]]

async function time() {
  const before = performance.now()
  await import(which)
  return performance.now() - before
}

answer({ time })
