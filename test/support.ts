/** What the tests stand opposite our parts: plain `node:net`, which shares no code with them. All of it is gone when the test has ended. */
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import net from 'node:net'
import { Worker } from 'node:worker_threads'

import { onTestFinished } from 'vitest'

export interface Bare {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly server: net.Server
  /** The next socket that it accepts, or accepted and nobody took. */
  socket(): Promise<net.Socket>
  readonly close: () => Promise<void>
}

/** A plain listener that does nothing by itself: half-open allowed, sockets not read unless somebody does. */
export async function bareServer(onSocket: (socket: net.Socket) => void = () => {}, options: net.ServerOpts = {}, port = 0): Promise<Bare> {
  const sockets = new Set<net.Socket>()
  const unseen: net.Socket[] = []
  const waiting: Array<(socket: net.Socket) => void> = []
  const server = net.createServer({ allowHalfOpen: true, ...options }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {}) // its `close` follows, and that is what is looked at
    onSocket(socket)
    const taker = waiting.shift()
    if (taker) taker(socket)
    else unseen.push(socket)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await Promise.all([...sockets].map(closed))
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  onTestFinished(close)
  return {
    host: '127.0.0.1',
    port: (server.address() as net.AddressInfo).port,
    server,
    socket: () => new Promise((resolve) => (unseen.length > 0 ? resolve(unseen.shift()!) : waiting.push(resolve))),
    close,
  }
}

/** A plain client, connected. */
export async function bareClient(
  to: { readonly port: number },
  options: Partial<net.TcpNetConnectOpts & net.SocketConstructorOpts> = {},
): Promise<net.Socket> {
  const socket = dialBare(to, options)
  await once(socket, 'connect')
  return socket
}

/** A plain client, dialling. */
export function dialBare(
  to: { readonly port: number },
  options: Partial<net.TcpNetConnectOpts & net.SocketConstructorOpts> = {},
): net.Socket {
  const socket = net.connect({ host: '127.0.0.1', allowHalfOpen: true, ...options, port: to.port })
  socket.on('error', () => {})
  onTestFinished(() => gone(socket))
  return socket
}

/** Its `close`, whatever came before it (`once` would reject at an `error`). */
export function closed(socket: net.Socket): Promise<void> {
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()))
}

async function gone(socket: net.Socket): Promise<void> {
  socket.destroy()
  await closed(socket)
}

/** What a socket tells from now until it has closed: `connect`, `end`, an error's code, `close`. Reads it to its end. */
export async function eventsOf(socket: net.Socket): Promise<string[]> {
  const events: string[] = []
  socket.on('connect', () => events.push('connect'))
  socket.on('end', () => events.push('end'))
  socket.on('error', (error: NodeJS.ErrnoException) => events.push(error.code ?? error.message))
  socket.resume()
  await new Promise<void>((resolve) => socket.on('close', () => resolve()))
  return [...events, 'close']
}

/** Everything that comes until the end. */
export async function textOf(socket: net.Socket): Promise<string> {
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
  socket.resume()
  await once(socket, 'end')
  return text
}

/** One turn of the event loop, polling included. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export async function turns(count: number): Promise<void> {
  for (let done = 0; done < count; done++) await turn()
}

/** Turns until something holds; the test's own timeout is the bound. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn()
}

/** File descriptors of sockets that this process has open. Linux. */
export function openSockets(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
    } catch {
      return false // the descriptor of this very reading
    }
  }).length
}

/** Random numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A port that refuses, held by a bound client socket, so that nobody else can take it meanwhile. */
export async function refusing(): Promise<{ host: string; port: number }> {
  const holder = await bareServer()
  const free = await bareServer()
  await free.close()
  const held = await bareClient(holder, { localPort: free.port, localAddress: '127.0.0.1' })
  onTestFinished(() => {
    held.resetAndDestroy() // or the port would rest in TIME_WAIT
  })
  return { host: '127.0.0.1', port: free.port }
}

/** A port that never answers a connect: a worker that listens with the shortest backlog and sleeps, and two clients that fill it. Linux. */
export async function unanswering(): Promise<{ host: string; port: number }> {
  const code = `
    const { parentPort } = require('node:worker_threads')
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    })`
  const worker = new Worker(code, { eval: true })
  onTestFinished(async () => void (await worker.terminate()))
  const [port] = (await once(worker, 'message')) as [number]
  await Promise.all([bareClient({ port }), bareClient({ port })])
  return { host: '127.0.0.1', port }
}

/**
 * Connects `count` clients from another thread while this one is blocked: when it returns they stand in the kernel's
 * backlog, and Node knows of none. `events` resolves to what each of them saw, once all have closed.
 */
export function connectBehindTheBack(to: { readonly port: number }, count: number): { events: Promise<string[][]> } {
  const code = `
    const { workerData, parentPort } = require('node:worker_threads')
    const net = require('node:net')
    const all = []
    let connected = 0, closed = 0
    for (let i = 0; i < workerData.count; i++) {
      const seen = []
      all.push(seen)
      const socket = net.connect(workerData.port, '127.0.0.1')
      socket.on('connect', () => {
        seen.push('connect')
        if (++connected === workerData.count) Atomics.notify(workerData.flag, 0, Atomics.store(workerData.flag, 0, 1))
      })
      socket.on('end', () => seen.push('end')).on('error', (error) => seen.push(error.code)).resume()
      socket.on('close', () => { if (++closed === workerData.count) parentPort.postMessage(all) })
    }`
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(code, { eval: true, workerData: { port: to.port, count, flag } })
  onTestFinished(async () => void (await worker.terminate()))
  if (Atomics.wait(flag, 0, 0, 10_000) === 'timed-out') throw new Error('the worker did not connect')
  return { events: once(worker, 'message').then(([seen]) => seen as string[][]) }
}
