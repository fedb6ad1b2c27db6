import type { Socket } from 'node:net'

import type { Data } from '../model/client.ts'
import { now } from '../timeline/clock.ts'
import type { Track } from '../timeline/track.ts'
import { RESET_GAP_MS, resetMayReadAsEnd } from './platform.ts'
import { onceQuietFor } from './turn.ts'

/** What libuv is given in one go at most, once the kernel takes no more: it cannot be taken back. Bytes. */
export const SLICE = 65_536

/** As {@link RESET_GAP_MS}, where the system had more than it could take: its buffers hold megabytes, which take their time. */
const BACKLOG_GAP_MS = 20

/** How often a machine that is busy with other things, or bytes that still go out, may put a reset off; and what is late. */
const MAX_LOOKS = 5
const LATE_MS = 2

const NEVER = -Infinity

/**
 * The writing half of a socket.
 *
 * 1. What is sent goes to the socket at once, in order with what its user writes to the socket itself.
 * 2. But libuv is given a {@link SLICE} at a time, so that {@link stop} can hold the rest back.
 * 3. It knows how long it has been quiet, because a reset right behind data may be taken for an end.
 */
export class Writer {
  readonly #socket: Socket
  readonly #track: Track
  /** What was sent by the methods here, and when last: writes to the socket itself show by the difference. */
  #sent = 0
  #lastSentAtMs: number
  readonly #taken: (() => void) | undefined = resetMayReadAsEnd ? () => (this.#lastSentAtMs = now()) : undefined

  /** @param wroteAtMs  When something went out last that no count here tells of: a handshake. */
  constructor(socket: Socket, track: Track, wroteAtMs = NEVER) {
    this.#socket = socket
    this.#track = track
    this.#lastSentAtMs = wroteAtMs
  }

  /** Resolves when the kernel has taken the bytes; what `cut` rejects with, if the socket was destroyed first. */
  send(data: Data, cut: () => Promise<never>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#write(data, (error) => {
        this.#lastSentAtMs = now()
        // Node calls back without an error, too, when the socket was destroyed meanwhile
        if (error || this.#socket.destroyed) cut().catch(reject)
        else resolve()
      })
    })
  }

  /** Sends without waiting; `false` asks to be spared until the socket's `drain`. What can no longer be sent is dropped. */
  post(chunk: Buffer): boolean {
    return !this.#socket.writable || this.#write(chunk, this.#taken)
  }

  /** Gives libuv no more. What it has is a slice at most; what the kernel has, nothing takes back. */
  stop(): void {
    this.#socket.allowHalfOpen = true // or the peer's FIN would end it, and with that send the rest
    this.#socket.cork()
  }

  /**
   * Calls `act` at once, or, where a peer on an old libuv could take a reset for an end, when nothing has gone out for a while.
   * @param writing  Something is being written in this very turn that no count here tells of: a handshake's last bytes. They go
   *   out first on every Node, or the peer would be told of a handshake that failed.
   */
  whenQuiet(act: () => void, writing: boolean): void {
    if (writing) this.#look(act, RESET_GAP_MS)
    else if (!resetMayReadAsEnd || (this.#socket.bytesWritten === 0 && this.#lastSentAtMs === NEVER)) act()
    else this.#look(act, Math.max(0, this.#quietForMs()))
  }

  #quietForMs(): number {
    const { bytesWritten, writableLength } = this.#socket
    if (writableLength > 0) return BACKLOG_GAP_MS
    return bytesWritten === this.#sent ? RESET_GAP_MS - (now() - this.#lastSentAtMs) : RESET_GAP_MS
  }

  /** What libuv has goes out meanwhile, and is waited for while it moves. Being late tells of a machine where bytes are late, too. */
  #look(act: () => void, waitMs: number, looks = 1): void {
    const left = this.#socket.writableLength
    onceQuietFor(waitMs, (lateMs) => {
      const again = looks < MAX_LOOKS && (lateMs > LATE_MS || this.#socket.writableLength < left)
      if (again) this.#look(act, waitMs, looks + 1)
      else act()
    })
  }

  #write(data: Data, done?: (error?: Error | null) => void): boolean {
    const socket = this.#socket
    const size = typeof data === 'string' ? Buffer.byteLength(data) : data.length
    this.#note(size)
    gatherWrites(socket, socket.writableLength + size <= SLICE)
    if (size <= SLICE) return socket.write(data, done)
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    let at = 0
    for (; size - at > SLICE; at += SLICE) socket.write(bytes.subarray(at, at + SLICE))
    return socket.write(bytes.subarray(at), done)
  }

  #note(bytes: number): void {
    this.#track.bytes('sent', bytes)
    if (!resetMayReadAsEnd) return
    this.#sent += bytes
    this.#lastSentAtMs = now()
  }
}

/**
 * Whether a socket gives libuv all that waits in one system call, or chunk by chunk: what libuv has cannot be held back. The
 * first is quicker where much that is small is written at once.
 */
function gatherWrites(socket: Socket, yes: boolean): void {
  const own = socket as { _writev?: unknown }
  if (!yes) own._writev = null
  else if (Object.hasOwn(own, '_writev')) delete own._writev
}
