import { netgraceBuild } from '../harness/answer.mjs'

/** Starts a proxy in this process, as a test does. Resolves to its port. */
export async function proxied(upstream) {
  const { startProxy } = await import(netgraceBuild)
  return (await startProxy({ host: '127.0.0.1', port: upstream })).port
}
