import type { Socket } from 'node:net'

import { bounded, mayBegin } from '../lifetime/bounded.ts'
import type { WaitOptions } from '../model/client.ts'
import type { Track } from '../timeline/track.ts'
import { ByteQueue } from './byte-queue.ts'
import type { EndingWatch } from './ending-watch.ts'

/** How far a reader reads ahead of those who ask it. */
export const READ_AHEAD = 1024 * 1024

/** Somebody who waits for bytes: `serve` gives them if they are there, or what there is once reading is over. */
interface Demand {
  serve(over: boolean): boolean
}

/** Takes a chunk; `false` asks to be spared until the socket's `drain`. */
export type Sink = (chunk: Buffer) => boolean

/**
 * The reading half of a socket.
 *
 * 1. Demands are served in the order in which they came.
 * 2. Reading is over at the end of the peer's half, at `close`, or when interrupted; what had arrived by then is still given.
 * 3. It takes from the kernel only what is asked for and {@link READ_AHEAD} more; once nobody will read, everything, to drop it.
 * 4. It reads by `data` events: iterating the socket would destroy its other half (test/platform/half-close.test.ts).
 * 5. Whoever listens to the socket's data beside it takes the reading over, with what is buffered.
 */
export class Reader {
  readonly #socket: Socket
  readonly #track: Track
  readonly #watch: EndingWatch
  readonly #queue = new ByteQueue()
  readonly #demands: Demand[] = []
  #sink: Sink | undefined
  #attached = false
  #over = false
  #dropping = false
  #pausedByUser = false
  #sinkFull = false

  constructor(socket: Socket, track: Track, watch: EndingWatch) {
    this.#socket = socket
    this.#track = track
    this.#watch = watch
  }

  /** Begins to read. Until then the socket is its user's. */
  attach(): void {
    if (this.#attached || this.#over) return
    this.#attached = true
    this.#socket.on('newListener', this.#onNewListener)
    this.#socket.on('data', this.#onData)
    this.#socket.on('drain', this.#onDrain)
    this.#flow()
  }

  /** Whether somebody reads from the socket itself. */
  get takenOver(): boolean {
    return !this.#attached && this.#socket.listenerCount('data') + this.#socket.listenerCount('readable') > 0
  }

  chunk(options: WaitOptions): Promise<Buffer | undefined> {
    return this.#demand('data', options, (over) => {
      const chunk = this.#queue.shift()
      return chunk || over ? { value: chunk } : undefined
    })
  }

  /** The next line with its newline. At the end an unterminated rest once, unless it is to be `whole`; then nothing. */
  line(options: WaitOptions, { whole = false } = {}): Promise<Buffer | undefined> {
    return this.#demand('a line', options, (over) => {
      const line = this.#queue.takeLine()
      if (line) return { value: line }
      if (!over) return undefined
      return { value: this.#queue.size > 0 && !whole ? this.#queue.take(this.#queue.size) : undefined }
    })
  }

  bytes(count: number, options: WaitOptions): Promise<Buffer> {
    return this.#demand(`${count} bytes`, options, (over) =>
      this.#queue.size >= count || over ? { value: this.#queue.take(count) } : undefined,
    )
  }

  rest(options: WaitOptions): Promise<Buffer> {
    return this.#demand('the end', options, (over) => (over ? { value: this.#queue.take(this.#queue.size) } : undefined))
  }

  /** Gives every chunk to `sink` as it comes, until reading is over. The quickest way to read. */
  async pump(sink: Sink): Promise<void> {
    this.attach()
    this.#sink = sink
    for (let chunk = this.#queue.shift(); chunk; chunk = this.#queue.shift()) this.#sinkFull = !sink(chunk) || this.#sinkFull
    this.#flow()
    await this.#demand('data', {}, (over) => (over ? { value: undefined } : undefined))
  }

  pause(): void {
    this.#pausedByUser = true
    if (this.#attached) this.#flow()
    else this.#socket.pause()
  }

  resume(): void {
    this.#pausedByUser = false
    if (this.#attached) this.#flow()
    else this.#socket.resume()
  }

  /** Reading is over but for what has arrived; what comes later is dropped. A reader that took the socket over is not disturbed. */
  interrupt(): void {
    if (this.takenOver) return
    this.attach()
    while (this.#socket.read() !== null); // what the socket itself holds comes as `data`
    this.#drop()
    this.finish()
  }

  /** What has arrived can still be read; what comes from now on is dropped. */
  discardLater(): void {
    if (this.takenOver) this.#socket.resume()
    else this.attach()
    this.#drop()
  }

  /** Nobody will read any more: drops what has arrived, too. */
  discardAll(): void {
    this.discardLater()
    this.#queue.clear()
  }

  /** No more will come. */
  finish(): void {
    this.#over = true
    this.#serve()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#watch.sawData()
    if (this.#dropping) return
    this.#track.bytes('read', chunk.length)
    if (this.#sink) {
      if (!this.#sink(chunk)) {
        this.#sinkFull = true
        this.#flow()
      }
      return
    }
    this.#queue.push(chunk)
    this.#serve()
  }

  readonly #onDrain = (): void => {
    if (!this.#sinkFull) return
    this.#sinkFull = false
    this.#flow()
  }

  readonly #onNewListener = (event: string, listener: unknown): void => {
    if (event !== 'readable' && (event !== 'data' || listener === this.#onData)) return
    this.#attached = false
    this.#socket.off('newListener', this.#onNewListener)
    this.#socket.off('data', this.#onData)
    this.#socket.off('drain', this.#onDrain)
    if (this.#queue.size > 0) this.#socket.unshift(this.#queue.take(this.#queue.size))
    if (!this.#pausedByUser && this.#socket.isPaused()) this.#socket.resume()
    this.finish()
  }

  async #demand<T>(what: string, options: WaitOptions, take: (over: boolean) => { value: T } | undefined): Promise<T> {
    mayBegin(options)
    this.attach()
    let answer: (value: T) => void
    const work = new Promise<T>((resolve) => {
      answer = resolve
    })
    const demand: Demand = {
      serve: (over) => {
        const taken = take(over)
        if (!taken) return false
        answer(taken.value)
        return true
      },
    }
    this.#demands.push(demand)
    this.#serve()
    if (!this.#demands.includes(demand)) return work
    const waited = this.#track.wait(what)
    const done = work.finally(waited)
    return bounded(
      done,
      options,
      () => `${this.#track.name}: ${what} did not come within ${options.withinMs} ms; ${this.#track.story()}`,
      () => {
        this.#demands.splice(this.#demands.indexOf(demand), 1)
        waited()
        this.#flow()
      },
    )
  }

  #serve(): void {
    while (this.#demands.length > 0 && this.#demands[0]!.serve(this.#over)) this.#demands.shift()
    this.#flow()
  }

  #drop(): void {
    this.#dropping = true
    this.#pausedByUser = false
    this.#sinkFull = false
    this.#flow()
  }

  /** Takes from the kernel, or leaves it there. */
  #flow(): void {
    if (!this.#attached) return
    const ahead = this.#queue.size >= READ_AHEAD && this.#demands.length === 0
    const still = !this.#dropping && (this.#pausedByUser || this.#sinkFull || ahead)
    if (still === this.#socket.isPaused()) return
    if (still) {
      this.#watch.blind = true
      this.#socket.pause()
    } else {
      this.#socket.resume()
    }
  }
}
