import { fork, spawn } from 'node:child_process'
import * as dgram from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmdirSync, unwatchFile, watch, watchFile, type FSWatcher } from 'node:fs'
import * as http from 'node:http'
import * as http2 from 'node:http2'
import * as https from 'node:https'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tls from 'node:tls'
import { Worker } from 'node:worker_threads'

import { describe, expect, test } from 'vitest'

import { findLeaks } from '../../src/leaks/find.ts'

const missing = '/no/such/file'
const LOCAL = '127.0.0.1'

describe('what opened nothing, because it threw, is no leak', () => {
  test.each<[string, () => unknown]>([
    ['net.connect, a port too high', () => net.connect(99_999, LOCAL)],
    ['net.connect, a port below 0', () => net.connect(-1, LOCAL)],
    ['net.connect, no arguments', () => net.connect({} as never)],
    ['net.connect, no address', () => net.connect({ port: 1, host: LOCAL, localAddress: 'nonsense' })],
    ['net.connect, a local port that is none', () => net.connect({ port: 1, host: LOCAL, localPort: 'x' as never })],
    ['net.connect, a lookup that is none', () => net.connect({ port: 1, host: 'localhost', lookup: 'x' as never })],
    ['net.connect, a path that is none', () => net.connect({ path: 5 as never })],
    ['Socket.connect', () => new net.Socket().connect(99_999, LOCAL)],
    ['tls.connect, a port too high', () => tls.connect(99_999, LOCAL)],
    ['tls.connect, a path that is none', () => tls.connect({ path: 5 as never })],
    ['http.get', () => http.get({ port: 99_999 })],
    ['https.get', () => https.get({ port: 99_999 })],
    ['http2.connect', () => http2.connect({ port: 99_999, hostname: 'localhost', protocol: 'http:' } as never)],
    ['listen', () => net.createServer().listen(99_999)],
    ['dgram.createSocket', () => dgram.createSocket('x' as never)],
    ['fs.watch', () => watch(missing)],
    ['spawn, stdio', () => spawn('true', { stdio: ['nonsense'] as never })],
    ['fork, options', () => fork(missing, { stdio: ['pipe', 'pipe', 'pipe'] })],
    ['Worker, a file that is none', () => new Worker('x')],
    ['Worker, data that cannot be cloned', () => new Worker('1', { eval: true, workerData: () => {} })],
  ])('%s', async (_, act) => {
    let thrown: unknown
    const leaks = await findLeaks(
      () => {
        try {
          act()
        } catch (error) {
          thrown = error
        }
      },
      { withinMs: 20 },
    )
    expect(thrown).toBeInstanceOf(Error)
    expect(leaks).toEqual([])
  })
})

describe('what waits for the address of its host is one', () => {
  const lookup = (): void => {}
  test.each<[string, () => net.Socket]>([
    ['net', () => net.connect({ port: 1, host: 'never.test', lookup })],
    ['tls', () => tls.connect({ port: 1, host: 'never.test', lookup })],
  ])('%s', async (_, dial) => {
    let socket!: net.Socket
    const leaks = await findLeaks(() => void (socket = dial()), { withinMs: 20 })
    expect(leaks).toMatchObject([{ kind: 'tcp-socket', site: { file: import.meta.filename } }])
    socket.destroy()
  })
})

test('a socket without a descriptor that is not dialling is none: mocked networks leave such ones', async () => {
  const sockets: net.Socket[] = []
  const leaks = await findLeaks(
    () => {
      const lookup = (): void => {}
      const socket = net.connect({ port: 1, host: 'mocked.test', lookup })
      Object.assign(socket, { connecting: false }) // as @mswjs/interceptors answers without a connection
      sockets.push(socket)
    },
    { withinMs: 20 },
  )
  expect(leaks).toEqual([])
  for (const socket of sockets) socket.destroy()
})

test('a worker that runs is a leak', async () => {
  let worker!: Worker
  const leaks = await findLeaks(
    async () => {
      worker = new Worker('setInterval(() => {}, 1000)', { eval: true })
      await once(worker, 'online')
    },
    { withinMs: 20 },
  )
  expect(leaks).toMatchObject([{ kind: 'worker', detail: `thread ${worker.threadId}` }])
  await worker.terminate()
})

test('a watcher is known by its path, of fs.watch and of fs.watchFile', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'netgrace-'))
  let watcher!: FSWatcher
  const leaks = await findLeaks(
    () => {
      watcher = watch(folder)
      watchFile(missing, () => {})
    },
    { withinMs: 0 },
  )
  expect(leaks.map(({ kind, detail }) => [kind, detail])).toEqual([
    ['fs-watcher', folder],
    ['fs-watcher', missing],
  ])
  watcher.close()
  unwatchFile(missing)
  rmdirSync(folder)
})
