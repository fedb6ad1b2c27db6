import type { Socket } from 'node:net'

import type { Data } from '../model/client.ts'
import { now } from '../timeline/clock.ts'
import type { Track } from '../timeline/track.ts'
import { RESET_GAP_MS, resetMayReadAsEnd } from './platform.ts'

/** The writing half of a socket. It knows how long it has been quiet, because a reset right behind data may be taken for an end. */
export class Writer {
  readonly #socket: Socket
  readonly #track: Track
  /** What was sent by the methods here, and when last: writes to the socket itself show by the difference. */
  #sent = 0
  #lastSentAtMs = 0

  constructor(socket: Socket, track: Track) {
    this.#socket = socket
    this.#track = track
  }

  /** Resolves when the kernel has taken the bytes; what `cut` rejects with, if the socket was destroyed first. */
  send(data: Data, cut: () => Promise<never>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(data, (error) => {
        // Node calls back without an error, too, when the socket was destroyed meanwhile
        if (error || this.#socket.destroyed) cut().catch(reject)
        else resolve()
      })
      this.#note(typeof data === 'string' ? Buffer.byteLength(data) : data.length)
    })
  }

  /** Sends without waiting; `false` asks to be spared until the socket's `drain`. What can no longer be sent is dropped. */
  post(chunk: Buffer): boolean {
    if (!this.#socket.writable) return true
    this.#note(chunk.length)
    return this.#socket.write(chunk)
  }

  /** How long to wait before a reset, so that a peer on an old libuv can tell it from an end. */
  quietForMs(): number {
    const { bytesWritten } = this.#socket
    if (!resetMayReadAsEnd || bytesWritten === 0) return 0
    return bytesWritten === this.#sent ? RESET_GAP_MS - (now() - this.#lastSentAtMs) : RESET_GAP_MS
  }

  #note(bytes: number): void {
    this.#track.bytes('sent', bytes)
    if (!resetMayReadAsEnd) return
    this.#sent += bytes
    this.#lastSentAtMs = now()
  }
}
