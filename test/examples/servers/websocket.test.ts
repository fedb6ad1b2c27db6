import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'

import { expect } from 'vitest'
import { faults, type Rig, type SupervisedServer } from 'netgrace'
import { test } from 'netgrace/vitest'
import { WebSocket, WebSocketServer } from 'ws'

/** A WebSocket that comes back: after `firstMs`, then after twice as long, and from the beginning once it has been open. */
class Reconnecting extends EventEmitter {
  readonly #url: string
  readonly #firstMs: number
  #waitMs: number
  #timer: NodeJS.Timeout | undefined
  #socket: WebSocket | undefined

  constructor(url: string, firstMs: number) {
    super()
    this.#url = url
    this.#firstMs = this.#waitMs = firstMs
    this.#dial()
  }

  send(text: string): void {
    this.#socket?.send(text)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#socket?.removeAllListeners('close').terminate()
  }

  #dial(): void {
    this.#socket = new WebSocket(this.#url)
    this.#socket.on('error', () => {}) // its close follows
    this.#socket.on('message', (data: Buffer) => this.emit('message', String(data)))
    this.#socket.on('open', () => {
      this.#waitMs = this.#firstMs
      this.emit('open')
    })
    this.#socket.on('close', () => {
      this.emit('down')
      this.#timer = setTimeout(() => this.#dial(), this.#waitMs)
      this.#waitMs *= 2
    })
  }
}

async function echoingWebSockets(rig: Rig): Promise<SupervisedServer> {
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket: WebSocket) => socket.on('message', (data: Buffer) => socket.send(String(data))))
  return rig.supervise(server)
}

test('a WebSocket whose handshakes fail waits twice as long each time', async ({ rig }) => {
  const proxy = await rig.proxy(await echoingWebSockets(rig))
  proxy.inject(faults.reset(), { times: 3, after: { match: 'Upgrade' } })
  const socket = rig.adopt(new Reconnecting(proxy.url.replace('http', 'ws'), 10), (one) => one.stop())
  await once(socket, 'open')
  const dialledAt = proxy.history.map(({ openedAtMs }) => openedAtMs)
  const waits = dialledAt.slice(1).map((at, n) => at - dialledAt[n]!)
  expect(waits).toStrictEqual([10, 20, 40].map((ms) => expect.toSatisfy((waited: number) => waited >= ms - 1)))
})

test('a WebSocket comes back when its server does, and is as good as new', async ({ rig }) => {
  const proxy = await rig.proxy(await echoingWebSockets(rig))
  const socket = rig.adopt(new Reconnecting(proxy.url.replace('http', 'ws'), 10), (one) => one.stop())
  await once(socket, 'open')
  const refused = once(socket, 'down').then(() => once(socket, 'down'))
  await proxy.down() // the links are reset, and the port refuses
  await refused
  const open = once(socket, 'open')
  await proxy.up()
  await open
  const answered = once(socket, 'message')
  socket.send('hello')
  expect(await answered).toStrictEqual(['hello'])
  expect(proxy.history).toMatchObject([{ client: { kind: 'reset', by: 'local' } }, { client: undefined }]) // who was refused is none
})
