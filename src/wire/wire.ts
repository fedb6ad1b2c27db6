import type { Socket } from 'node:net'

import { bounded, mayBegin, UNBOUNDED } from '../lifetime/bounded.ts'
import { clearTimer, nextTurn, setTimer } from '../lifetime/timers.ts'
import { checkCount, checkData, type Client, type Data, type WaitOptions } from '../model/client.ts'
import { describeEnding } from '../model/describe-ending.ts'
import type { Ending, TimedOut } from '../model/ending.ts'
import { formatEndpoint, type Endpoint } from '../model/endpoint.ts'
import { ConnectionEndedError, NetgraceError } from '../model/errors.ts'
import { duration } from '../model/options.ts'
import { tellStory } from '../timeline/story.ts'
import type { Timeline } from '../timeline/timeline.ts'
import { siteOf } from '../timeline/call-site.ts'
import { now } from '../timeline/clock.ts'
import type { Detail, Track } from '../timeline/track.ts'
import { Chunks } from './chunks.ts'
import { drip } from './drip.ts'
import type { EndingWatch } from './ending-watch.ts'
import { Reader, type Sink } from './reader.ts'
import { resetOrDestroy } from './reset.ts'
import { currentTurn } from './turn.ts'
import { Writer } from './writer.ts'

/** Default of `closeTimeoutMs`: how long `close()` waits for the peer's FIN. Milliseconds. */
export const DEFAULT_CLOSE_TIMEOUT_MS = 1000

/** What a wire is made of. */
export interface WireParts {
  readonly socket: Socket
  /** The TCP socket below a TLS one. Default: the socket itself. */
  readonly raw?: Socket
  /** Our end, where it is known without asking the kernel. */
  readonly local?: Endpoint | undefined
  /** The other end, where the kernel does not tell: of a unix socket. */
  readonly peer?: Endpoint | undefined
  /** Has watched the socket since it was made. */
  readonly watch: EndingWatch
  readonly timeline: Timeline
  readonly track: Track
}

/**
 * One end of an open socket: it reads, writes, and knows how it ended. Clients and connections are wires.
 *
 * 1. It is over when its socket has closed, and has one ending.
 * 2. What we do to it is noted before it is done; the first act is how it ended.
 * 3. `destroy()` sends FIN or RST as it happens, so it never stands for one: what cuts, resets.
 */
export class Wire implements Omit<Client, 'ask'> {
  readonly socket: Socket
  readonly local: Endpoint
  protected readonly track: Track
  readonly #raw: Socket
  readonly #peer: Endpoint | undefined
  readonly #timeline: Timeline
  readonly #watch: EndingWatch
  readonly #reader: Reader
  #lazyWriter: Writer | undefined
  readonly #closeTimeoutMs: number
  #ending: Ending | undefined
  #ended: Promise<Ending> | undefined
  #resolveEnded: ((ending: Ending) => void) | undefined
  #told: Ending | undefined
  #halfClosed = false
  readonly #bornTurn: number
  /** When the handshake's last bytes may have gone out. */
  readonly #securedAtMs: number | undefined

  constructor({ socket, raw = socket, local, peer, watch, timeline, track }: WireParts, closeTimeoutMs = DEFAULT_CLOSE_TIMEOUT_MS) {
    this.socket = socket
    this.#raw = raw
    this.track = track
    this.#timeline = timeline
    this.#watch = watch
    this.#closeTimeoutMs = closeTimeoutMs
    this.#reader = new Reader(socket, track, watch)
    this.#bornTurn = currentTurn()
    this.#securedAtMs = raw === socket ? undefined : now()
    this.local = local ?? { host: raw.localAddress ?? 'unknown', port: raw.localPort ?? 0 } // the socket forgets it at its close
    this.#peer = peer
    void raw.remotePort // asked for once, this it keeps
    ;(socket as Wired)[WIRE] = this
    socket.on('end', onEnd)
    socket.on('close', onClose)
  }

  get peer(): Endpoint {
    return this.#peer ?? { host: this.#raw.remoteAddress ?? 'unknown', port: this.#raw.remotePort ?? 0 }
  }

  get ended(): Promise<Ending> {
    this.#ended ??= this.#ending
      ? Promise.resolve(this.#ending)
      : new Promise((resolve) => {
          this.#resolveEnded = resolve
        })
    return this.#ended
  }

  async endsWithin(ms: number): Promise<Ending> {
    duration('ms', ms)
    return bounded(this.ended, { withinMs: ms }, () => `${this.#name()} had not ended after ${ms} ms: ${this.track.story()}`)
  }

  send(data: Data, options: WaitOptions = UNBOUNDED): Promise<void> {
    try {
      mayBegin(options)
      checkData(data)
      this.checkSendable()
    } catch (error) {
      return Promise.reject(error)
    }
    const { socket } = this
    const tooLate = this.#watch.intent !== undefined || socket.writableEnded || socket.destroyed // and so decided, or about to close
    const work = tooLate
      ? this.endedBefore('the data could be sent')
      : this.#writer.send(data, () => this.endedBefore('the data could be sent'))
    if (options === UNBOUNDED) return work
    const late = (): string => `${this.#name()}: the data was not taken within ${options.withinMs} ms; ${this.track.story()}`
    return bounded(work, options, late)
  }

  async readLine(options: WaitOptions = UNBOUNDED): Promise<string | undefined> {
    return textOf(await this.#reader.line(options))
  }

  async read(bytes: number, options: WaitOptions = UNBOUNDED): Promise<Buffer> {
    checkCount(bytes)
    return this.#reader.bytes(bytes, options)
  }

  async readToEnd(options: WaitOptions = UNBOUNDED): Promise<Buffer> {
    return this.#reader.rest(options)
  }

  drip(data: Data, options: { readonly everyMs: number }): Disposable {
    checkData(data)
    return drip(this, this.socket, data, options)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    return new Chunks(this.#reader)
  }

  pause(): void {
    this.#reader.pause()
  }

  resume(): void {
    this.#reader.resume()
  }

  halfClose(): void {
    this.#sendFin(siteOf(this, 'halfClose'))
  }

  #sendFin(by?: Detail): void {
    if (this.#halfClosed || this.socket.destroyed || this.#watch.intent) return // a reset may be waiting for its moment
    this.#halfClosed = true
    this.#watch.sendingFin()
    this.track.record('half-closed', by)
    this.socket.end()
  }

  reset(): Promise<Ending> {
    if (this.#intendReset(siteOf(this, 'reset'))) {
      this.#writer.stop()
      const justBorn = this.#bornTurn === currentTurn()
      const cut = (): void => this.#cut()
      this.#writer.whenQuiet(justBorn ? () => nextTurn(cut) : cut, justBorn && this.#raw !== this.socket) // sooner, and the peer would never see it connect
    }
    return this.ended
  }

  close(): Promise<Ending> {
    return this.closeWithin(this.#closeTimeoutMs, siteOf(this, 'close'))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => undefined)
  }

  /** As {@link Client.close}, with a bound of the caller's. */
  async closeWithin(ms: number, by?: Detail): Promise<Ending> {
    this.#sendFin(by)
    this.#reader.discardLater()
    if (this.socket.destroyed || this.#watch.intent) return this.ended
    const timer = setTimer(() => this.giveUp('timeout', { waitedFor: 'close', ms }), ms)
    const ending = await this.ended
    clearTimer(timer)
    return ending
  }

  /** What happened to it, and to all that shares its timeline. */
  tellStory(): string {
    return tellStory(this.#timeline)
  }

  /** Worded only when somebody asks. */
  toString(): string {
    return `${formatEndpoint(this.local)} → ${formatEndpoint(this.peer)}`
  }

  /** Its record outlives it. */
  brief(): string {
    return this.toString()
  }

  get openedAtMs(): number {
    return this.#watch.startedAtMs
  }

  /** Resolves when reading is over, without reading. */
  untilOver(): Promise<void> {
    return this.#reader.untilOver()
  }

  /** Begins to read, so that the end of an idle connection is seen. */
  protected readAhead(): void {
    this.#reader.attach()
  }

  /** Sends without waiting; `false` when the sink of a {@link pump} should be spared. */
  write(chunk: Buffer): boolean {
    return this.#writer.post(chunk)
  }

  /** Resolves once all that was written is out, or never will be. */
  async flushed(): Promise<void> {
    if (this.socket.writable) await this.#writer.send('', () => this.endedBefore('all was out')).catch(() => {})
  }

  /** Every chunk to `sink`, until reading is over. */
  pump(sink: Sink): Promise<void> {
    return this.#reader.pump(sink)
  }

  get #writer(): Writer {
    return (this.#lazyWriter ??= new Writer(this.socket, this.track, this.#securedAtMs))
  }

  /** As {@link readLine}, but an unterminated rest is left to be read. */
  protected async wholeLine(options: WaitOptions): Promise<string | undefined> {
    return textOf(await this.#reader.line(options, { whole: true }))
  }

  /** Throws if our half was closed by hand, here or on the socket; that it ended is for `send` to say, with the ending. */
  protected checkSendable(): void {
    if (this.#watch.decided || this.#ending || !(this.#halfClosed || this.socket.writableEnded)) return
    const how = this.#halfClosed ? 'halfClose() or close()' : 'socket.end()'
    throw new NetgraceError('ERR_NETGRACE_HALF_CLOSED', `${this.#name()}: nothing can be sent after ${how}`)
  }

  /** Reading is over but for what has arrived. */
  interrupt(): void {
    this.#reader.interrupt()
  }

  /** Drops what was not read and what still comes. */
  discard(): void {
    this.#reader.discardAll()
  }

  /** Half-closes, and drops what was not read and what still comes: what a server does once its handler is done. */
  finishWithin(ms: number): Promise<Ending> {
    const ended = this.closeWithin(ms)
    this.discard()
    return ended
  }

  /** Cuts the connection for a reason of ours that is no reset by hand. */
  giveUp(intent: 'timeout' | 'closed', why?: Error | TimedOut): void {
    if (!this.#watch.intend(intent, why)) return
    this.track.record('note', intent === 'timeout' ? 'given up: a deadline passed' : 'closed by a signal')
    if (intent === 'timeout') this.#cut()
    else this.socket.destroy()
  }

  /** A reset that waits for nothing. */
  force(): void {
    this.#intendReset()
    this.#cut()
  }

  /** How it ended, if it has. */
  get ending(): Ending | undefined {
    return this.#ending
  }

  /** Whether `ending` is what was said of this wire: as it ended, or as it stood when something was refused. */
  isEndOf(ending: Ending): boolean {
    return this.#told === ending || this.#ending === ending
  }

  /** Called once its socket has closed. */
  protected closed(_ending: Ending): void {}

  /** Rejects with the ending once that is decided, which may be long before the socket has closed. */
  protected async endedBefore(what: string): Promise<never> {
    // told the same to all that is under way: each of them is the end of this wire
    const ending = this.#ending ?? (this.#watch.decided ? (this.#told ??= this.#watch.ending()) : await this.ended)
    throw new ConnectionEndedError(`${this.#name()} ended before ${what}: ${describeEnding(ending)}`, ending)
  }

  #cut(): void {
    resetOrDestroy(this.socket, this.#raw)
  }

  #intendReset(by?: Detail): boolean {
    if (!this.#watch.intend('reset')) return false
    this.track.record('resetting', by)
    this.#reader.discardAll()
    this.#reader.finish()
    return true
  }

  #name(): string {
    return `${this.track.name} (${this.toString()})`
  }

  /** The peer's half has ended. */
  sawEnd(): void {
    this.track.record(this.#watch.resetAtEnd ? 'peer reset' : 'peer half-closed')
    this.#reader.finish()
    if (this.#watch.resetAtEnd) this.socket.destroy() // the kernel has let go of it, and no event will tell
  }

  /** The socket has closed. */
  sawClose(): void {
    const ending = this.#watch.ending()
    this.#ending = ending
    this.#reader.finish()
    this.track.record('ended', { toString: () => describeEnding(ending) })
    this.#timeline.close(this.track)
    this.#resolveEnded?.(ending)
    this.closed(ending)
  }
}

const WIRE = Symbol('netgrace.wire')
type Wired = Socket & { [WIRE]?: Wire }

function onEnd(this: Wired): void {
  this[WIRE]!.sawEnd()
}

function onClose(this: Wired): void {
  this[WIRE]!.sawClose()
}

function textOf(line: Buffer | undefined): string | undefined {
  return line?.toString('utf8').replace(/\r?\n$/, '')
}
