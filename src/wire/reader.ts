import type { Socket } from 'node:net'

import { bounded, mayBegin, UNBOUNDED } from '../lifetime/bounded.ts'
import type { WaitOptions } from '../model/client.ts'
import { now } from '../timeline/clock.ts'
import type { Track, Waiting } from '../timeline/track.ts'
import { ByteQueue } from './byte-queue.ts'
import type { EndingWatch } from './ending-watch.ts'

/** How far a reader reads ahead of those who ask it. */
export const READ_AHEAD = 1024 * 1024

/** Takes a chunk; `false` asks to be spared until the socket's `drain`. */
export type Sink = (chunk: Buffer) => boolean

/** Gives what was asked for if it is there, or what there is once reading is over; `undefined`: not yet. */
type Take<T> = (queue: ByteQueue, over: boolean) => { readonly value: T } | undefined

/** Somebody who waits for bytes. */
class Demand<T = unknown> implements Waiting {
  readonly for: string
  readonly sinceMs: number = now()
  readonly take: Take<T>
  readonly resolve: (value: T) => void

  constructor(what: string, take: Take<T>, resolve: (value: T) => void) {
    this.for = what
    this.take = take
    this.resolve = resolve
  }
}

const NOBODY: Demand[] = []
/** Stands in for a queue that nothing has come to; nobody pushes to it. */
const NOTHING = new ByteQueue()

/**
 * The reading half of a socket.
 *
 * 1. Demands are served in the order in which they came.
 * 2. Reading is over at the end of the peer's half, at `close`, or when interrupted; what had arrived by then is still given.
 * 3. It takes from the kernel only what is asked for and {@link READ_AHEAD} more; once nobody will read, everything, to drop it.
 * 4. It reads by `data` events: iterating the socket would destroy its other half (test/platform/closing.test.ts).
 * 5. Whoever listens to the socket's data beside it takes the reading over, with what is buffered.
 *
 * Ten thousand idle ones are cheap: nothing is made before it is needed, and the listeners are shared.
 */
export class Reader {
  readonly #socket: Socket
  readonly #track: Track
  readonly #watch: EndingWatch
  #queue: ByteQueue | undefined
  #demands = NOBODY
  #sink: Sink | undefined
  #whenOver: (() => void) | undefined
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
    ;(this.#socket as ReadSocket)[READER] = this
    this.#socket.on('data', onData)
    this.#socket.on('drain', onDrain)
    this.#socket.on('newListener', onNewListener)
    this.#flow()
  }

  /** Whether somebody reads from the socket itself. */
  get takenOver(): boolean {
    return !this.#attached && this.#socket.listenerCount('data') + this.#socket.listenerCount('readable') > 0
  }

  /** The next chunk, as an iterator gives it. */
  next(): Promise<IteratorResult<Buffer, undefined>> {
    return this.#demand('data', UNBOUNDED, nextChunk)
  }

  /** The next line with its newline. At the end an unterminated rest once, unless it is to be `whole`; then nothing. */
  line(options: WaitOptions, { whole = false } = {}): Promise<Buffer | undefined> {
    return this.#demand('a line', options, (queue, over) => {
      const line = queue.takeLine()
      if (line) return { value: line }
      if (!over) return undefined
      return { value: queue.size > 0 && !whole ? queue.take(queue.size) : undefined }
    })
  }

  bytes(count: number, options: WaitOptions): Promise<Buffer> {
    return this.#demand(`${count} bytes`, options, (queue, over) =>
      queue.size >= count || over ? { value: queue.take(count) } : undefined,
    )
  }

  rest(options: WaitOptions): Promise<Buffer> {
    return this.#demand('the end', options, (queue, over) => (over ? { value: queue.take(queue.size) } : undefined))
  }

  /** Gives every chunk to `sink` as it comes, until reading is over. The quickest way to read. */
  pump(sink: Sink): Promise<void> {
    this.attach()
    for (let chunk = this.#queue?.shift(); chunk; chunk = this.#queue?.shift()) this.#sinkFull = !sink(chunk) || this.#sinkFull
    this.#sink = sink
    this.#flow()
    return this.untilOver()
  }

  /** Resolves when reading is over, without reading. */
  untilOver(): Promise<void> {
    if (this.#over) return Promise.resolve()
    this.#track.wait(UNTIL_OVER)
    return new Promise((resolve) => {
      const before = this.#whenOver
      this.#whenOver = before
        ? () => {
            before()
            resolve()
          }
        : resolve
    })
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
    this.#queue = undefined
  }

  /** No more will come. */
  finish(): void {
    this.#over = true
    this.#serve()
    if (!this.#whenOver) return
    this.#track.waited(UNTIL_OVER)
    this.#whenOver()
    this.#whenOver = undefined
  }

  /** A chunk has come. */
  arrived(chunk: Buffer): void {
    this.#watch.sawData()
    if (this.#dropping) return
    this.#track.bytes('read', chunk.length)
    if (!this.#sink) {
      this.#queue ??= new ByteQueue()
      this.#queue.push(chunk)
      this.#serve()
    } else if (!this.#sink(chunk)) {
      this.#sinkFull = true
      this.#flow()
    }
  }

  /** The socket can take more. */
  drained(): void {
    if (!this.#sinkFull) return
    this.#sinkFull = false
    this.#flow()
  }

  /** Somebody listens to the socket's data: hands over what was not read, and reads no more. */
  handOver(): void {
    this.#attached = false
    this.#socket.off('newListener', onNewListener)
    this.#socket.off('data', onData)
    this.#socket.off('drain', onDrain)
    if (this.#queue && this.#queue.size > 0) this.#socket.unshift(this.#queue.take(this.#queue.size))
    if (!this.#pausedByUser && this.#socket.isPaused()) this.#socket.resume()
    this.finish()
  }

  #demand<T>(what: string, options: WaitOptions, take: Take<T>): Promise<T> {
    try {
      mayBegin(options)
    } catch (error) {
      return Promise.reject(error)
    }
    this.attach()
    const taken = this.#demands.length === 0 ? take(this.#queue ?? NOTHING, this.#over) : undefined
    if (taken) {
      this.#flow()
      return Promise.resolve(taken.value)
    }
    let demand!: Demand<T>
    const work = new Promise<T>((resolve) => {
      demand = new Demand(what, take, resolve)
    })
    if (this.#demands.length === 0) this.#demands = [demand as Demand]
    else this.#demands.push(demand as Demand)
    this.#track.wait(demand)
    this.#flow()
    return options === UNBOUNDED ? work : this.#bounded(work, options, demand as Demand)
  }

  #bounded<T>(work: Promise<T>, options: WaitOptions, demand: Demand): Promise<T> {
    const late = (): string => `${this.#track.name}: ${demand.for} did not come within ${options.withinMs} ms; ${this.#track.story()}`
    return bounded(work, options, late, () => {
      this.#demands.splice(this.#demands.indexOf(demand), 1)
      this.#track.waited(demand)
      this.#flow()
    })
  }

  #serve(): void {
    for (let demand = this.#demands[0]; demand; demand = this.#demands[0]) {
      const taken = demand.take(this.#queue ?? NOTHING, this.#over)
      if (!taken) break
      this.#demands.shift()
      this.#track.waited(demand)
      demand.resolve(taken.value)
    }
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
    const ahead = this.#queue !== undefined && this.#queue.size >= READ_AHEAD && this.#demands.length === 0
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

const UNTIL_OVER: Waiting = { for: 'the end' }

function nextChunk(queue: ByteQueue, over: boolean): { readonly value: IteratorResult<Buffer, undefined> } | undefined {
  const chunk = queue.shift()
  if (chunk) return { value: { value: chunk, done: false } }
  return over ? { value: { value: undefined, done: true } } : undefined
}

const READER = Symbol('netgrace.reader')
type ReadSocket = Socket & { [READER]?: Reader }

function onData(this: ReadSocket, chunk: Buffer): void {
  this[READER]!.arrived(chunk)
}

function onDrain(this: ReadSocket): void {
  this[READER]!.drained()
}

function onNewListener(this: ReadSocket, event: string, listener: unknown): void {
  if (event === 'readable' || (event === 'data' && listener !== onData)) this[READER]!.handOver()
}
