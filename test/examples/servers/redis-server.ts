import { has, type RealServer, startOnFreePort } from './child.ts'

export const hasRedis = has('redis-server')

/** An empty Redis that keeps nothing. */
export async function startRedis(): Promise<RealServer> {
  const { port, stop } = await startOnFreePort((free) => ({
    command: 'redis-server',
    args: ['--bind', '127.0.0.1', '--port', String(free), '--save', '', '--appendonly', 'no'],
    ready: /Ready to accept connections/,
  }))
  return { url: `redis://127.0.0.1:${port}`, stop }
}
