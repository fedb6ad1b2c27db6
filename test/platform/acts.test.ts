import { once } from 'node:events'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'

import { describe, expect, onTestFinished, test } from 'vitest'

import { certificate } from '../certificate.ts'
import { closed, turns } from '../support.ts'

/** One connection of plain sockets. `raw` is what lies below a TLS one; else it is the socket itself. */
interface Pair {
  readonly actor: net.Socket
  readonly actorRaw: net.Socket
  readonly watcher: net.Socket
}

let paths = 0

async function plain(listen: net.ListenOptions): Promise<Pair> {
  const server = net.createServer({ allowHalfOpen: true }).listen(listen)
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[net.Socket]>
  const where = listen.path === undefined ? { port: (server.address() as net.AddressInfo).port, host: '127.0.0.1' } : { path: listen.path }
  const actor = net.connect({ ...where, allowHalfOpen: true })
  const [watcher] = await accepted
  if (actor.connecting) await once(actor, 'connect')
  server.close()
  return { actor, actorRaw: actor, watcher }
}

async function secured(): Promise<Pair> {
  const below = await plain({ port: 0, host: '127.0.0.1' })
  const { cert } = certificate()
  const watcher = new tls.TLSSocket(below.watcher, { isServer: true, ...certificate() })
  const actor = tls.connect({ socket: below.actor, ca: cert, host: 'localhost' })
  await Promise.all([once(actor, 'secureConnect'), once(watcher, 'secure')])
  await turns(20) // the session tickets are through: nothing is on its way
  return { actor, actorRaw: below.actor, watcher }
}

const transports = {
  TCP: () => plain({ port: 0, host: '127.0.0.1' }),
  TLS: secured,
  unix: () => plain({ path: join(tmpdir(), `netgrace-acts-${process.pid}-${++paths}.sock`) }),
}

type Act = (pair: Pair) => void

const acts: Record<string, Act> = {
  'end()': ({ actor }) => actor.end(),
  'destroy(), nothing unread': ({ actor }) => actor.destroy(),
  'destroy(), bytes unread in the kernel': ({ actor }) => actor.destroy(),
  'resetAndDestroy()': ({ actor }) => actor.resetAndDestroy(),
  'resetAndDestroy() of the socket below': ({ actorRaw }) => actorRaw.resetAndDestroy(),
}

/** What each side sees: the watcher reads all the time, and answers nothing. */
const table: readonly [act: string, transport: keyof typeof transports, actor: string, watcher: string][] = [
  ['end()', 'TCP', '', 'end'],
  ['end()', 'TLS', '', 'end'],
  ['end()', 'unix', '', 'end'],
  ['destroy(), nothing unread', 'TCP', 'close', 'end'],
  ['destroy(), nothing unread', 'TLS', 'close', 'end'],
  ['destroy(), nothing unread', 'unix', 'close', 'end'],
  ['destroy(), bytes unread in the kernel', 'TCP', 'close', 'ECONNRESET close'],
  ['destroy(), bytes unread in the kernel', 'unix', 'close', 'ECONNRESET close'],
  ['resetAndDestroy()', 'TCP', 'close', 'ECONNRESET close'],
  ['resetAndDestroy()', 'TLS', 'ERR_INVALID_HANDLE_TYPE', ''],
  ['resetAndDestroy()', 'unix', 'ERR_INVALID_HANDLE_TYPE', ''],
  ['resetAndDestroy() of the socket below', 'TLS', 'close', 'ECONNRESET close'],
]

describe.each(table)('%s over %s', (act, transport, actorSees, watcherSees) => {
  test('each side sees what the table says', async () => {
    const pair = await transports[transport]()
    const { actor, watcher } = pair
    onTestFinished(() => {
      actor.destroy()
      watcher.destroy()
    })
    const seen = { actor: [] as string[], watcher: [] as string[] }
    for (const side of ['actor', 'watcher'] as const) {
      const socket = pair[side]
      socket.on('error', (error: NodeJS.ErrnoException) => seen[side].push(error.code!))
      for (const event of ['end', 'close']) socket.on(event, () => seen[side].push(event))
    }
    watcher.resume()
    if (act.includes('bytes unread')) {
      actor.pause()
      watcher.write(Buffer.alloc(512 * 1024))
      await turns(20)
    }
    try {
      acts[act]!(pair)
    } catch (error) {
      seen.actor.push((error as NodeJS.ErrnoException).code!)
    }
    if (actorSees.includes('close')) await closed(actor)
    if (watcherSees.includes('close')) await closed(watcher)
    else if (watcherSees.includes('end') && !seen.watcher.includes('end')) await once(watcher, 'end')
    await turns(10)
    expect({ actor: seen.actor.join(' '), watcher: seen.watcher.join(' ') }).toEqual({ actor: actorSees, watcher: watcherSees })
  })
})
