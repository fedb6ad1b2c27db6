import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { Peer } from './peer.mjs'

export const PROXIES = {
  direct: 'none, a direct connection',
  netgrace: 'netgrace',
  inside: "netgrace, in the client's process",
  go: 'Go, `io.Copy`',
  socat: '`socat`',
}

/** Starts a server and, between it and whoever measures, a proxy. `measure` gets which port a peer is to dial, the server, and the proxy: as a peer if it is one, and its pid. */
export async function between(variant, go, part, args, measure, fault = {}) {
  const server = new Peer(part, { args, keepsMemory: true })
  const upstream = await server.call('listen')
  const proxy = await proxyOf(variant, go, upstream, fault)
  try {
    return await measure(
      (client) => (variant === 'inside' ? client.call('proxied', upstream) : (proxy?.port ?? upstream)),
      server,
      proxy?.peer,
      proxy?.pid,
    )
  } finally {
    await proxy?.end()
    await server.end()
  }
}

async function proxyOf(variant, go, upstream, fault) {
  if (variant === 'direct' || variant === 'inside') return undefined
  if (variant === 'netgrace') {
    const peer = new Peer('proxy', { execArgv: ['--expose-gc'], keepsMemory: true })
    return { peer, pid: peer.pid, port: await peer.call('listen', { upstream, ...fault }), end: () => peer.end() }
  }
  if (variant === 'go') {
    const child = spawn(go.program, [`127.0.0.1:${upstream}`], { stdio: ['pipe', 'pipe', 'inherit'] })
    const [line] = await once(child.stdout, 'data')
    return { pid: child.pid, port: Number(String(line)), end: () => ended(child, () => child.stdin.end()) }
  }
  const port = await freePort()
  const child = spawn('socat', [
    `TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr,nodelay,backlog=128`,
    `TCP:127.0.0.1:${upstream},nodelay`,
  ])
  await sleep(300) // it does not say when it listens
  return { pid: child.pid, port, end: () => ended(child, () => child.kill()) }
}

async function ended(child, end) {
  const gone = once(child, 'exit')
  end()
  await gone
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

export function isInstalled(program) {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Builds parts/proxy.go, or says that there is no Go here: `undefined`. */
export function buildGo() {
  const folder = mkdtempSync(join(tmpdir(), 'netgrace-bench-'))
  const program = join(folder, 'proxy')
  try {
    execFileSync('go', ['build', '-o', program, fileURLToPath(new URL('../parts/proxy.go', import.meta.url))], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return undefined
  }
  return { program, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
