/** A proxy, gone when the test has ended, whatever happened to it; what it stands between is plain `node:net`, or our own server. */
import { randomBytes } from 'node:crypto'
import type net from 'node:net'

import { onTestFinished } from 'vitest'

import type { FaultProxy } from '../../src/proxy/fault-proxy.ts'
import type { ProxyOptions } from '../../src/proxy/proxy-options.ts'
import { startProxy } from '../../src/proxy/start-proxy.ts'
import type { UpstreamAddress } from '../../src/proxy/upstream.ts'

export async function proxyTo(upstream: UpstreamAddress, options?: ProxyOptions): Promise<FaultProxy> {
  const proxy = await startProxy(upstream, options)
  onTestFinished(async () => {
    await proxy.stop({ graceMs: 0 }).catch(() => {}) // whether its faults met something is for other tests
  })
  return proxy
}

/** What a socket has read so far. */
export class Collected {
  readonly chunks: Buffer[] = []
  size = 0
  ended = false
  #wake = (): void => {}

  constructor(socket: net.Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk)
      this.size += chunk.length
      this.#wake()
    })
    socket.on('end', () => {
      this.ended = true
      this.#wake()
    })
    socket.on('close', () => this.#wake())
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  get text(): string {
    return this.bytes.toString('latin1')
  }

  /** Resolves once so many bytes are there. */
  async atLeast(size: number): Promise<this> {
    while (this.size < size) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this
  }
}

export function noise(size: number): Buffer {
  return randomBytes(size)
}

/** Writes in pieces, and is spared when the socket is full. */
export async function writeAll(socket: net.Socket, bytes: Buffer, pieceBytes = 65_536): Promise<void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    if (!socket.write(bytes.subarray(at, at + pieceBytes))) await new Promise((resolve) => socket.once('drain', resolve))
  }
}
