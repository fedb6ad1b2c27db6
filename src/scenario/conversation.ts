import { AbortController } from '../lifetime/realm.ts'
import type { NetClient } from '../client/client.ts'
import { sleep } from '../lifetime/sleep.ts'
import { asError } from '../lifetime/throw-all.ts'
import { NetgraceError } from '../model/errors.ts'
import { now } from '../timeline/clock.ts'
import { difference } from './difference.ts'
import type { Counter } from './progress-teller.ts'
import { Replies, type Replied } from './replies.ts'
import { endedWhile, stopped } from './cut-short.ts'
import type { Task } from './task.ts'

/**
 * What one client and its server say to each other: a message, its reply, perhaps a pause, and the next message.
 *
 * 1. It is over when the last reply is there, or at the first thing that goes wrong: {@link hold} resolves or rejects.
 * 2. {@link quit} lets the reply that is on its way come; {@link cut} lets nothing more be sent, and is no error of its own.
 * 3. A reply is a line: one that differs does not shift those behind it.
 */
export class Conversation implements Replied {
  readonly roundTripsMs: number[] = []
  sent = 0
  echoed = 0
  mismatched = 0
  repliedBytes = 0
  firstMismatch: Error | undefined
  /** Since when it does what it is {@link doing}. */
  sinceMs = now()
  readonly #client: NetClient
  readonly #id: number
  readonly #task: Task
  readonly #progress: Counter
  readonly #served: () => void
  readonly #replies: Replies
  /** Of pauses, where there are any. */
  #pausing: AbortController | undefined
  #state: 'preparing' | 'waiting for the reply to' | 'pausing before' = 'preparing'
  #count = 0
  #message: Buffer | undefined
  #sending: Promise<void> | undefined
  #quitReason: Error | undefined
  #isCut = false
  #resolve!: () => void
  #reject!: (error: Error) => void

  /** @param served  called with each reply: its server has time for it */
  constructor(client: NetClient, id: number, task: Task, progress: Counter, served: () => void) {
    this.#client = client
    this.#id = id
    this.#task = task
    this.#progress = progress
    this.#served = served
    this.#replies = new Replies(client, this)
  }

  get doing(): string {
    return `${this.#state} ${this.#nth}`
  }

  /** Holds it, once. */
  hold(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      if (this.#task.intervalMs > 0) this.#mayPause()
      this.#next()
    })
  }

  /** No new message. */
  quit(reason: Error): void {
    this.#quitReason ??= reason
    this.#pausing?.abort()
  }

  cut(): void {
    this.#isCut = true
    this.#pausing?.abort()
  }

  /** The reply to the message that was sent last. */
  replied(line: Buffer | undefined): void {
    if (!line) return void this.#client.close().then((ending) => this.#reject(endedWhile(this.doing, ending)))
    this.#compare(line)
    if (this.#sending) void this.#sending.then(() => this.#next())
    else this.#next()
  }

  garbled(error: Error): void {
    this.#reject(error)
  }

  #next(): void {
    const { messages, intervalMs } = this.#task
    if (this.#count === messages) return this.#resolve()
    this.#count++
    if (this.#count === 1 || intervalMs === 0) return this.#send()
    this.#do('pausing before')
    void sleep(intervalMs, this.#pausing!.signal).then(() => this.#send())
  }

  /** It reads meanwhile: a long message comes back before the last of it is out. */
  #send(): void {
    try {
      if (this.#isCut) return this.#resolve()
      if (this.#client.ending) throw endedWhile(this.doing, this.#client.ending)
      if (this.#quitReason) throw stopped(`before ${this.#nth}`, this.#quitReason)
      const bytes = this.#task.bytes(this.#id, this.#count)
      this.#do('waiting for the reply to')
      this.#message = bytes
      this.#sending = this.#post(bytes)
      this.#replies.next(bytes.length)
    } catch (thrown) {
      this.#reject(asError(thrown))
    }
  }

  /** Counts it once the kernel has taken it: at once, but for what is long or goes to a slow peer. Never rejects. */
  #post(bytes: Buffer): Promise<void> | undefined {
    const { socket } = this.#client
    if (!socket.writable) return undefined // nothing will come, either, and that says more
    this.#client.write(bytes)
    if (socket.writableLength > 0) return this.#client.flushed().then(() => this.#taken())
    this.#taken()
    return undefined
  }

  #taken(): void {
    const { socket } = this.#client
    if (socket.errored || socket.destroyed) return
    this.sent++
    this.#progress.count('sent')
  }

  #compare(reply: Buffer): void {
    this.roundTripsMs.push(now() - this.sinceMs)
    this.#served()
    this.repliedBytes += reply.length
    if (reply.equals(this.#message!)) {
      this.echoed++
      this.#progress.count('echoed')
      return
    }
    this.mismatched++
    this.#progress.count('mismatched')
    this.firstMismatch ??= new NetgraceError('ERR_NETGRACE_SCENARIO', `${this.#nth} ${difference(this.#message!, reply)}`)
  }

  /** From now on; nobody pauses beside a dead connection. */
  #mayPause(): void {
    const pausing = new AbortController()
    this.#pausing = pausing
    void this.#client.ended.then(() => pausing.abort())
  }

  get #nth(): string {
    return `message ${this.#count} of ${this.#task.messages}`
  }

  #do(state: 'waiting for the reply to' | 'pausing before'): void {
    this.#state = state
    this.sinceMs = now()
  }
}
