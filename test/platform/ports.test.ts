import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'

import { expect, test } from 'vitest'

import { bareClient, bareServer, closed, dialBare, eventsOf, refusing, turns, unanswering } from '../support.ts'

async function listenError(port: number): Promise<string | undefined> {
  const server = net.createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
  await new Promise((resolve) => server.close(resolve))
  return undefined
}

test('a port held by a bound client socket refuses', async () => {
  const held = await refusing()
  for (let n = 0; n < 20; n++) expect(await eventsOf(dialBare(held))).toStrictEqual(['ECONNREFUSED', 'close'])
})

test.runIf(process.platform === 'linux')('who names a held port himself can listen on it: libuv binds with SO_REUSEADDR', async () => {
  const held = await refusing()
  expect(await listenError(held.port)).toBeUndefined()
})

test('the holder resets, and the port can be listened on at once', async () => {
  const holder = await bareServer()
  for (let n = 0; n < 20; n++) {
    const { port, close } = await bareServer()
    await close()
    const held = await bareClient(holder, { localPort: port, localAddress: '127.0.0.1' })
    held.resetAndDestroy()
    await closed(held)
    expect(await listenError(port)).toBeUndefined()
  }
})

const RANGE = [40_000, 40_009] as const
const HELD = 40_004

/** Runs `code` where the kernel has ten ports to choose from: in a network namespace of its own. */
function amongTenPorts(code: string): { stdout: string; status: number | null } {
  const script = `ip link set lo up && echo '${RANGE.join(' ')}' > /proc/sys/net/ipv4/ip_local_port_range && exec "$0" -e "$1"`
  return spawnSync('unshare', ['-Urn', 'sh', '-c', script, process.execPath, code], { encoding: 'utf8' })
}

const namespaces = amongTenPorts('console.log(1)').stdout === '1\n'

test.runIf(namespaces)('the kernel gives a held port to nobody who lets it choose, whether he listens or dials', () => {
  const { stdout } = amongTenPorts(`
    const net = require('node:net')
    const { once } = require('node:events')
    const listen = (port) => new Promise((resolve) => {
      const server = net.createServer().on('error', (error) => resolve(error.code))
      server.listen(port, '127.0.0.1', () => resolve(server.address().port))
    })
    void (async () => {
      const holder = await listen(30000)
      await once(net.connect({ host: '127.0.0.1', port: holder, localPort: ${HELD} }), 'connect')
      const given = []
      for (let n = 0; n < 10; n++) given.push(await listen(0))
      const client = net.connect(holder, '127.0.0.1').on('error', () => {})
      await new Promise((resolve) => client.on('connect', resolve).on('close', resolve))
      console.log(JSON.stringify([...given, client.localPort ?? 'none']))
      process.exit()
    })()`)
  const given = JSON.parse(stdout) as unknown[]
  expect(given.filter((port) => typeof port === 'number').length).toBeGreaterThan(5)
  expect(given).not.toContain(HELD)
})

test("a client's own port, chosen by the kernel, is in use for a listener", async () => {
  const client = await bareClient(await bareServer())
  expect(await listenError(client.localPort!)).toBe('EADDRINUSE')
})

test('a port can be listened on again right after its server closed its connections', async () => {
  let port = 0
  for (let n = 0; n < 20; n++) {
    const bare = await bareServer((socket) => socket.end(), {}, port)
    port = bare.port
    expect(await eventsOf(await bareClient(bare, { allowHalfOpen: false }))).toStrictEqual(['end', 'close'])
    await bare.close()
  }
})

test.runIf(process.platform === 'linux')('a full backlog in a sleeping thread never answers a connect', async () => {
  const client = dialBare(await unanswering())
  const events: string[] = []
  client.on('connect', () => events.push('connect')).on('error', () => events.push('error'))
  await turns(500)
  expect(events).toStrictEqual([])
  expect(client.connecting).toBe(true)
})
