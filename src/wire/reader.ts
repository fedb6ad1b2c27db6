import type { Socket } from 'node:net'

import { bounded, mayBegin, UNBOUNDED } from '../lifetime/bounded.ts'
import { afterThis } from '../lifetime/timers.ts'
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
 * 1. Demands are served in the order in which they came; one that gives up makes way for the next.
 * 2. Reading is over at the end of the peer's half, at `close`, or when interrupted; what had arrived by then is still given.
 * 3. It takes from the kernel only what is asked for and {@link READ_AHEAD} more; once nobody will read, everything, to drop it.
 * 4. It reads by `data` events: iterating the socket would destroy its other half (test/platform/closing.test.ts).
 * 5. Whoever listens to the socket's data beside it takes the reading over, with what is buffered.
 * 6. Whatever changes, {@link #update} makes of it what follows: there is no other place that serves, or pauses the socket.
 *
 * Ten thousand idle ones are cheap: nothing is made before it is needed, and the listeners are shared.
 */
export class Reader {
  readonly #socket: Socket
  readonly #track: Track
  readonly #watch: EndingWatch
  #queue: ByteQueue | undefined
  #demands = NOBODY
  /** The demand that the track tells of. */
  #told: Demand | undefined
  #sink: Sink | undefined
  #whenOver: (() => void) | undefined
  #attached = false
  #over = false
  #dropping = false
  #pausedByUser = false
  #sinkFull = false
  /** Of a socket that ended with bytes unread: the listeners that have heard its `end`. */
  #heardEnd: ReadonlySet<unknown> | undefined

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
    this.#update()
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
    this.#sink = sink
    this.#update()
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
    if (this.#attached) this.#update()
    else this.#socket.pause()
  }

  resume(): void {
    this.#pausedByUser = false
    if (this.#attached) this.#update()
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
    if (this.#socket.readableEnded && this.#unread > 0) this.#heardEnd ??= new Set(this.#socket.rawListeners('end'))
    this.#update()
  }

  /** A chunk has come. */
  arrived(chunk: Buffer): void {
    this.#watch.sawData()
    if (this.#dropping) return
    this.#track.bytes('read', chunk.length)
    if (this.#sink && this.#unread === 0) {
      if (this.#sink(chunk)) return
      this.#sinkFull = true
    } else {
      this.#queue ??= new ByteQueue()
      this.#queue.push(chunk)
    }
    this.#update()
  }

  /** The socket can take more. */
  drained(): void {
    if (!this.#sinkFull) return
    this.#sinkFull = false
    this.#update()
  }

  /** Another listens to the socket's data: hands over what was not read, and reads no more. */
  handOver(): void {
    this.#attached = false
    this.#socket.off('newListener', onNewListener)
    this.#socket.off('data', onData)
    this.#socket.off('drain', onDrain)
    const unread = this.#queue?.take(this.#unread)
    if (unread && unread.length > 0) {
      if (this.#socket.readableEnded) afterThis(() => this.#replay(unread))
      else this.#socket.unshift(unread)
    }
    if (!this.#pausedByUser && this.#socket.isPaused()) this.#socket.resume()
    this.finish()
  }

  get #unread(): number {
    return this.#queue?.size ?? 0
  }

  /** A socket that has told its end takes nothing back: its listeners are given the rest, and the end if they came too late for it. */
  #replay(rest: Buffer): void {
    const socket = this.#socket
    socket.emit('data', socket.readableEncoding ? rest.toString(socket.readableEncoding) : rest)
    for (const listener of socket.rawListeners('end')) if (!this.#heardEnd?.has(listener)) listener.call(socket)
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
      this.#update()
      return Promise.resolve(taken.value)
    }
    let demand!: Demand<T>
    const work = new Promise<T>((resolve) => {
      demand = new Demand(what, take, resolve)
    })
    if (this.#demands.length === 0) this.#demands = [demand as Demand]
    else this.#demands.push(demand as Demand)
    this.#update()
    return options === UNBOUNDED ? work : this.#bounded(work, options, demand as Demand)
  }

  #bounded<T>(work: Promise<T>, options: WaitOptions, demand: Demand): Promise<T> {
    const late = (): string => `${this.#track.name}: ${demand.for} did not come within ${options.withinMs} ms; ${this.#track.story()}`
    return bounded(work, options, late, () => {
      const at = this.#demands.indexOf(demand)
      if (at < 0) return false // it was served in this very turn, and what it took must not be lost
      this.#demands.splice(at, 1)
      this.#update()
      return true
    })
  }

  #drop(): void {
    this.#dropping = true
    this.#pausedByUser = false
    this.#sinkFull = false
    this.#update()
  }

  /** Something has changed: gives what can be given, and takes from the kernel or leaves it there. */
  #update(): void {
    this.#fillSink()
    this.#serve()
    this.#tell()
    this.#flow()
  }

  /** Whoever writes what it is given may take a while; at the end it is given all the same. */
  #fillSink(): void {
    if (!this.#sink) return
    while (this.#unread > 0 && (!this.#sinkFull || this.#over)) this.#sinkFull = !this.#sink(this.#queue!.shift()!)
  }

  #serve(): void {
    for (let demand = this.#demands[0]; demand; demand = this.#demands[0]) {
      const taken = demand.take(this.#queue ?? NOTHING, this.#over)
      if (!taken) break
      this.#demands.shift()
      demand.resolve(taken.value)
    }
    if (!this.#over || !this.#whenOver) return
    this.#track.waited(UNTIL_OVER)
    this.#whenOver()
    this.#whenOver = undefined
  }

  /** The track knows who is next in line. */
  #tell(): void {
    const next = this.#demands[0]
    if (next === this.#told) return
    if (this.#told) this.#track.waited(this.#told)
    if (next) this.#track.wait(next)
    this.#told = next
  }

  #flow(): void {
    if (!this.#attached) return
    const ahead = this.#unread >= READ_AHEAD && this.#demands.length === 0
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
  const reads = event === 'data' ? listener !== onData : event === 'readable' && !this.readableEnded // there is nothing to read from one that has ended
  if (reads) this[READER]!.handOver()
}
