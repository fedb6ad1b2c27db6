import type { NetClient } from '../client/client.ts'
import { Dialling } from '../client/dialling.ts'
import { sleep } from '../lifetime/sleep.ts'
import { asError } from '../lifetime/throw-all.ts'
import { describeEnding } from '../model/describe-ending.ts'
import type { Ending } from '../model/ending.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { ConnectError, ConnectionEndedError, NetgraceError } from '../model/errors.ts'
import { now } from '../timeline/clock.ts'
import type { Timeline } from '../timeline/timeline.ts'
import { difference } from './difference.ts'
import { latencyOf } from './latency.ts'
import type { Gate } from './gate.ts'
import type { Counter } from './progress-teller.ts'
import { Replies } from './replies.ts'
import type { ClientReport } from './report.ts'
import type { Task } from './task.ts'

/** The ending of a client that never had a socket: it was stopped before its turn to dial. */
export const NEVER_DIALLED: Ending = {
  kind: 'closed',
  by: 'local',
  phase: 'connecting',
  certain: true,
  bytesRead: 0,
  bytesWritten: 0,
  durationMs: 0,
}

/**
 * One client of a scenario: sends a message, reads a line, compares, pauses, and so on; then closes.
 *
 * 1. {@link run} always comes to a report: whatever goes wrong is its `error`, and the first cause wins.
 * 2. {@link quit} lets the reply that is on its way come; {@link cut} does not. Both may come at any time.
 * 3. A reply is a line: one that differs does not shift those behind it.
 */
export class ScenarioClient {
  readonly id: number
  readonly roundTripsMs: number[] = []
  readonly #task: Task
  readonly #progress: Counter
  readonly #timeline: Timeline
  /** Of a wait for its turn to dial, and of a pause: what most have neither of is made when it is needed. */
  #queueing: AbortController | undefined
  #pausing: AbortController | undefined
  #dialling: Dialling | undefined
  #client: NetClient | undefined
  #leaveGate = (): void => {}
  #doing: string
  #doingSinceMs = now()
  #quitReason: Error | undefined
  #timedOut = false
  #error: Error | undefined
  #firstMismatch: Error | undefined
  #sent = 0
  #echoed = 0
  #mismatched = 0
  #repliedBytes = 0

  constructor(id: number, task: Task, progress: Counter, timeline: Timeline) {
    this.id = id
    this.#task = task
    this.#progress = progress
    this.#timeline = timeline
    this.#doing = `connecting to ${formatEndpoint(task.to)}`
  }

  /** @param gate  where there are so many that they must not dial all at once */
  async run(gate?: Gate): Promise<ClientReport> {
    if (gate) {
      this.#queueing = new AbortController()
      this.#leaveGate = await gate.enter(this.#queueing.signal)
    }
    const ending = await this.#live()
    this.#leaveGate()
    const error = this.#error ?? this.#badEnd(ending) ?? this.#firstMismatch
    return {
      id: this.id,
      sent: this.#sent,
      echoed: this.#echoed,
      mismatched: this.#mismatched,
      ending,
      latency: latencyOf(this.roundTripsMs),
      error,
    }
  }

  /** No new message; what is on its way may still come. */
  quit(reason: Error): void {
    this.#quitReason ??= reason
    this.#pausing?.abort()
    if (this.#client) return
    this.#error ??= stopped(`while ${this.#doing}`, reason)
    this.#dialNoMore(reason)
  }

  /** Ends it now; what it was doing goes into its report. */
  cut(timeoutMs: number): void {
    const doing = `${this.#doing} since ${Math.round(now() - this.#doingSinceMs)} ms`
    this.#timedOut = !this.#quitReason
    this.#error ??= this.#quitReason
      ? stopped(`and cut while ${doing}`, this.#quitReason)
      : new NetgraceError('ERR_NETGRACE_TIMEOUT', `not done within ${timeoutMs} ms: ${doing}`)
    this.#pausing?.abort()
    if (!this.#client) this.#dialNoMore(this.#error)
    else if (this.#timedOut) this.#client.giveUp('timeout', this.#error)
    else this.#client.force()
  }

  #dialNoMore(reason: Error): void {
    this.#queueing?.abort(reason)
    this.#dialling?.giveUp('closed', reason)
  }

  async #live(): Promise<Ending> {
    if (this.#error) return this.#unopened(NEVER_DIALLED)
    this.#do(this.#doing)
    const { to, connectTimeoutMs, closeTimeoutMs } = this.#task
    let client: NetClient
    try {
      this.#dialling = new Dialling(to, { connectTimeoutMs, closeTimeoutMs }, this.#timeline)
      client = await this.#dialling.client
    } catch (thrown) {
      this.#error ??= asError(thrown)
      return this.#unopened(thrown instanceof ConnectError ? thrown.ending : NEVER_DIALLED)
    }
    this.#client = client
    if (this.#timedOut) client.giveUp('timeout', this.#error)
    this.#progress.count('connected')
    try {
      await this.#talk(client)
    } catch (thrown) {
      this.#error ??= thrown instanceof ConnectionEndedError ? endedWhile(this.#doing, thrown.ending) : asError(thrown)
    }
    this.#do('waiting for the peer to close in answer')
    return client.closeWithin(closeTimeoutMs)
  }

  /** Of a dial that the deadline cut: the signal was only our way to say that time was up. */
  #unopened(ending: Ending): Ending {
    return this.#timedOut ? { ...ending, kind: 'timeout' } : ending
  }

  async #talk(client: NetClient): Promise<void> {
    const { messages, intervalMs } = this.#task
    const replies = new Replies(client)
    if (intervalMs > 0) this.#mayPause(client)
    for (let count = 1; count <= messages; count++) {
      const nth = `message ${count} of ${messages}`
      if (count > 1 && intervalMs > 0) {
        this.#do(`pausing before ${nth}`)
        await sleep(intervalMs, this.#pausing!.signal)
      }
      if (this.#error) return
      if (client.ending) throw endedWhile(this.#doing, client.ending)
      if (this.#quitReason) throw stopped(`before ${nth}`, this.#quitReason)
      const bytes = this.#task.bytes(this.id, count)
      this.#do(`waiting for the reply to ${nth}`)
      await this.#exchange(client, replies, bytes, nth)
    }
  }

  /** Reads while it sends: a long message comes back before the last of it is out. */
  async #exchange(client: NetClient, replies: Replies, bytes: Buffer, nth: string): Promise<void> {
    const sentAtMs = now()
    const sending = this.#send(client, bytes)
    const reply = await replies.next(bytes.length)
    if (!reply) throw endedWhile(this.#doing, await client.close())
    this.#compare(reply, bytes, now() - sentAtMs, nth)
    await sending
  }

  /** Counts it once the kernel has taken it: at once, but for what is long or goes to a slow peer. Never rejects. */
  #send(client: NetClient, bytes: Buffer): Promise<void> | undefined {
    const { socket } = client
    if (!socket.writable) return undefined // nothing will come, either, and that says more
    client.write(bytes)
    if (socket.writableLength > 0) return client.flushed().then(() => this.#taken(client))
    this.#taken(client)
    return undefined
  }

  #taken({ socket }: NetClient): void {
    if (socket.errored || socket.destroyed) return
    this.#sent++
    this.#progress.count('sent')
  }

  /** From now on; nobody pauses beside a dead connection. */
  #mayPause(client: NetClient): void {
    const pausing = new AbortController()
    this.#pausing = pausing
    void client.ended.then(() => pausing.abort())
  }

  #compare(reply: Buffer, bytes: Buffer, roundTripMs: number, nth: string): void {
    this.#leaveGate()
    this.roundTripsMs.push(roundTripMs)
    this.#repliedBytes += reply.length
    if (reply.equals(bytes)) {
      this.#echoed++
      this.#progress.count('echoed')
      return
    }
    this.#mismatched++
    this.#progress.count('mismatched')
    this.#firstMismatch ??= new NetgraceError('ERR_NETGRACE_SCENARIO', `${nth} ${difference(bytes, reply)}`)
  }

  /** All replies are there, but the connection did not end with a goodbye, or brought more than replies. */
  #badEnd(ending: Ending): Error | undefined {
    if (ending.kind !== 'eof') return endedWhile('closing after its last message', ending)
    const surplus = ending.bytesRead - this.#repliedBytes
    return surplus > 0 ? new NetgraceError('ERR_NETGRACE_SCENARIO', `${surplus} bytes came after the last reply`) : undefined
  }

  #do(what: string): void {
    this.#doing = what
    this.#doingSinceMs = now()
  }
}

function stopped(how: string, reason: Error): NetgraceError {
  return new NetgraceError('ERR_NETGRACE_STOPPED', `stopped ${how}: ${reason.message}`, { cause: reason })
}

function endedWhile(doing: string, ending: Ending): ConnectionEndedError {
  return new ConnectionEndedError(`the connection ended while ${doing}: ${describeEnding(ending)}`, ending)
}
