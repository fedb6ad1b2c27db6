import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'

import { afterThis, clearTimer, setTimer } from '../../lifetime/timers.ts'
import { now } from '../../timeline/clock.ts'

/** An answer may come in parts: it is over once nothing has been written for so long. Milliseconds. */
export const ANSWER_QUIET_MS = 60

/** The longest time that the parts of an answer may come in, and that a server may take to begin to read. Milliseconds. */
export const ANSWER_PARTS_MS = 250

/** `each`: everything that is read asks for an answer. `first`: one answer is owed, as to a request for an upgrade. */
export type Asks = 'each' | 'first'

/**
 * Whose turn it is on a socket of the user's whose protocol is not known: a server that has read since it last wrote is
 * *answering*. From our FIN on it counts what the server writes instead of sending it, so that no error is of our making.
 *
 * It stands in for `push`, `write` and `end` of the one socket. It is told of nothing else, and holds nothing back.
 */
export class Dialogue {
  /** What the server wrote behind our FIN. Bytes. */
  cutOffBytes = 0
  readonly #socket: Socket
  readonly #asks: Asks
  readonly #changed: () => void
  readonly #end: (...args: unknown[]) => unknown
  #owes: boolean
  #watched = false
  #closed = false
  /** Runs while further parts of an answer may come, or while nothing reads what has come. */
  #timer: NodeJS.Timeout | undefined
  #settling = false
  #firstPartAtMs: number | undefined

  /** @param changed  Called once the answer that was under way is over, while it is watched. */
  constructor(socket: Socket, asks: Asks, changed: () => void) {
    this.#socket = socket
    this.#asks = asks
    this.#changed = changed
    this.#owes = asks === 'first'
    const methods = socket as unknown as Record<'push' | 'write' | 'end', (...args: unknown[]) => unknown>
    const { push, write, end } = methods
    this.#end = end
    methods.push = (...args) => {
      if (args[0] !== null) this.#read()
      return push.apply(socket, args)
    }
    methods.write = (...args) => {
      if (this.#closed) return this.#swallow(args)
      this.#wrote()
      return write.apply(socket, args)
    }
    methods.end = (...args) => {
      if (this.#closed) this.#swallow(args)
      else {
        this.#wrote()
        end.apply(socket, args)
      }
      return socket
    }
  }

  /** The server owes an answer, or is in the middle of one; or it has paused its reading, and so is at work on what it read. */
  get answering(): boolean {
    return this.#owes || this.#settling || (this.#asks === 'each' && this.#socket.isPaused())
  }

  /** Whatever was owed has been written before it was seen. */
  answered(): void {
    this.#owes = false
  }

  /** Its end has come: an answer that is over is reported from now on. */
  watch(): void {
    if (this.#watched) return
    this.#watched = true
    this.#boundUnread()
  }

  /** Sends FIN behind what has been written. */
  close(): void {
    this.#closed = true
    this.release()
    this.#socket.prependOnceListener('finish', () => this.#takeOverPipes())
    this.#end.call(this.#socket)
  }

  release(): void {
    clearTimer(this.#timer)
    this.#settling = false
  }

  /** Node takes off what is piped into a socket as that finishes; the source would wait for ever where nothing else reads it. */
  #takeOverPipes(): void {
    const unpiped = (source: Readable): void => {
      if (source.listenerCount('data') + source.listenerCount('readable') > 0) return
      source.on('data', (data: unknown) => this.#swallow([data])).resume()
    }
    this.#socket.on('unpipe', unpiped)
    afterThis(() => this.#socket.off('unpipe', unpiped))
  }

  #read(): void {
    if (this.#asks === 'first' || this.#closed) return
    this.#owes = true
    if (this.#watched) this.#boundUnread()
  }

  /** What nobody reads is not answered: a server that has not begun to read has {@link ANSWER_PARTS_MS} to do so. */
  #boundUnread(): void {
    if (!this.#owes || this.#asks === 'first' || this.#socket.readableFlowing !== null) return
    clearTimer(this.#timer)
    this.#timer = setTimer(() => {
      if (this.#socket.readableFlowing === null) this.#owes = false
      if (!this.answering) this.#changed()
    }, ANSWER_PARTS_MS)
  }

  #wrote(): void {
    const wasAnswering = this.#owes || this.#settling
    this.#owes = false
    if (!this.#watched || !wasAnswering) return
    this.#firstPartAtMs ??= now()
    this.#settling = true
    clearTimer(this.#timer)
    const left = this.#firstPartAtMs + ANSWER_PARTS_MS - now()
    this.#timer = setTimer(
      () => {
        this.#settling = false
        if (!this.answering) this.#changed()
      },
      Math.max(0, Math.min(ANSWER_QUIET_MS, left)),
    )
  }

  /** `true`, as a `write` that has room: whoever pipes into it is not held up. */
  #swallow(args: readonly unknown[]): true {
    const [data, encoding] = args
    if (typeof data === 'string')
      this.cutOffBytes += Buffer.byteLength(data, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
    else if (ArrayBuffer.isView(data)) this.cutOffBytes += data.byteLength
    const done = args.find((argument) => typeof argument === 'function') as ((error?: Error) => void) | undefined
    const error = data === undefined || data === done ? undefined : afterFin()
    if (done) afterThis(() => done(error))
    return true
  }
}

function afterFin(): Error {
  return Object.assign(new Error('write after end: the server is being stopped, and its FIN has been sent'), {
    code: 'ERR_STREAM_WRITE_AFTER_END',
  })
}
