import { readFileSync } from 'node:fs'

import { bounded, mayBegin, UNBOUNDED } from '../lifetime/bounded.ts'
import { messageOf } from '../lifetime/throw-all.ts'
import { clearTimer, setTimer, turn } from '../lifetime/timers.ts'
import { checkCount, checkData, checkLine, type Data, type WaitOptions } from '../model/client.ts'
import type { Ending } from '../model/ending.ts'
import { formatEndpoint, type Endpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import { checkOptions, duration, interval } from '../model/options.ts'
import { now } from '../timeline/clock.ts'
import type { Exit, Host } from './host.ts'
import { LeftOver } from './left-over.ts'
import { PATIENCE_MS, Peer, type Pending } from './peer.ts'
import type { SpawnedProcessClient } from './spawned-client.ts'
import { crashedEnding, endedError, realEnding, type PlainEnding } from './plain-error.ts'

/** See {@link SpawnedClient}. */
export class HostedClient implements SpawnedProcessClient {
  readonly local: Endpoint
  readonly peer: Endpoint
  readonly ended: Promise<Ending>
  readonly exited: Promise<Exit>
  readonly #host: Host
  readonly #calls: Peer
  readonly #closeTimeoutMs: number
  readonly #startedAtMs = now()
  /** What it had left to read when it ended. */
  readonly #leftOver = new LeftOver()
  #ending: Ending | undefined
  #drips = 0

  constructor(host: Host, calls: Peer, ends: { readonly local: Endpoint; readonly peer: Endpoint }, closeTimeoutMs: number) {
    this.#host = host
    this.#calls = calls
    this.#closeTimeoutMs = closeTimeoutMs
    this.local = ends.local
    this.peer = ends.peer
    this.exited = host.exited
    this.ended = host.exited.then((exit) => {
      this.#over(this.#ending ?? crashedEnding(this.#crash(exit), now() - this.#startedAtMs))
      return this.#ending!
    })
  }

  /** 0 for a thread. */
  get pid(): number {
    return this.#host.pid ?? 0
  }

  /** What it told before its thread or process ended. */
  hear({ ending, rest }: { readonly ending: PlainEnding; readonly rest: Uint8Array }): void {
    this.#leftOver.push(rest)
    this.#over(realEnding(ending))
  }

  async endsWithin(ms: number): Promise<Ending> {
    duration('ms', ms)
    return bounded(this.ended, { withinMs: ms }, () => `${this.#name()} had not ended after ${ms} ms`)
  }

  async send(data: Data, options?: WaitOptions): Promise<void> {
    checkData(data)
    await this.#call('send', [data], options)
  }

  async ask(line: string, options?: WaitOptions): Promise<string> {
    checkLine(line)
    return (await this.#call('ask', [line], options)) as string
  }

  async readLine(options?: WaitOptions): Promise<string | undefined> {
    return (await this.#call('readLine', [], options)) as string | undefined
  }

  async read(bytes: number, options?: WaitOptions): Promise<Buffer> {
    checkCount(bytes)
    return Buffer.from((await this.#call('read', [bytes], options)) as Uint8Array)
  }

  async readToEnd(options?: WaitOptions): Promise<Buffer> {
    return Buffer.from((await this.#call('readToEnd', [], options)) as Uint8Array)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, undefined> {
    for (;;) {
      const { value, done } = (await this.#call('next', [])) as IteratorResult<Uint8Array, undefined>
      if (done) return undefined
      yield Buffer.from(value)
    }
  }

  async drip(data: Data, options: { readonly everyMs: number }): Promise<Disposable> {
    checkData(data)
    checkOptions(options, { everyMs: interval })
    interval('everyMs', options.everyMs)
    const id = ++this.#drips
    await this.#call('drip', [id, data, options.everyMs])
    return { [Symbol.dispose]: () => this.#calls.tell('stopDrip', id) }
  }

  async pause(): Promise<void> {
    await this.#call('pause', [])
  }

  async resume(): Promise<void> {
    await this.#call('resume', [])
  }

  async halfClose(): Promise<void> {
    await this.#call('halfClose', [])
  }

  reset(): Promise<Ending> {
    return this.#endWithin('reset', PATIENCE_MS)
  }

  close(): Promise<Ending> {
    return this.#endWithin('close', this.#closeTimeoutMs + PATIENCE_MS)
  }

  /** As `close()`; from a side that does not even answer within `ms` we turn away, and kill it. */
  closeWithin(ms: number): Promise<Ending> {
    return this.#endWithin('close', ms)
  }

  abort(reason: Error): void {
    this.#calls.tell('abort', messageOf(reason))
    void this.#endWithin('close', PATIENCE_MS)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    this.#processOnly('kill')
    this.#host.kill(signal)
    return this.exited
  }

  async freeze(): Promise<void> {
    this.#processOnly('freeze')
    this.#host.kill('SIGSTOP')
    while (process.platform === 'linux' && !this.#ending && !isStopped(this.pid)) await turn()
  }

  async thaw(): Promise<void> {
    this.#processOnly('thaw')
    this.#host.kill('SIGCONT')
  }

  async #call(method: string, args: readonly unknown[], options: WaitOptions = UNBOUNDED): Promise<unknown> {
    mayBegin(options) // also once it has ended
    if (!this.#ending) return this.#calls.call(method, args, options)
    return new Promise((resolve, reject) => this.#answer({ method, args, resolve, reject }))
  }

  /** The connection has ended: what it left behind is read here, and the rest cannot be done any more. */
  #over(ending: Ending): void {
    this.#ending ??= ending
    this.#calls.settle((pending) => this.#answer(pending))
  }

  #answer({ method, args, resolve, reject }: Pending): void {
    const left = this.#leftOver.answer(method, args)
    if (left) resolve(left.value)
    else reject(endedError(`${this.#name()} ended before ${method} was done`, this.#ending!))
  }

  async #endWithin(method: 'close' | 'reset', ms: number): Promise<Ending> {
    if (!this.#ending) this.#calls.tell(method)
    const timer = setTimer(() => {
      this.#ending ??= {
        ...crashedEnding(`${this.#name()} did not answer within ${Math.round(ms)} ms, and was killed`, now() - this.#startedAtMs),
        kind: 'timeout',
      }
      this.#host.kill('SIGKILL')
    }, ms)
    const ending = await this.ended
    clearTimer(timer)
    return ending
  }

  /** A signal goes to a process: a thread is a part of this one, which would stop or end with it. */
  #processOnly(method: string): void {
    if (this.#host.pid !== undefined) return
    throw new NetgraceError(
      'ERR_NETGRACE_SPAWN',
      `${method}() goes with in: 'process': ${this.#name()} runs in a thread, which has no signals of its own; close() and reset() end it`,
    )
  }

  #crash({ code, signal }: Exit): string {
    const crash = this.#host.crash()
    const how = crash ? `crashed: ${crash.message}` : signal ? `was killed by ${signal}` : `exited with code ${code}`
    return `the ${this.#host.pid === undefined ? 'thread' : 'process'} of ${this.#name()} ${how}`
  }

  #name(): string {
    return `a spawned client (${formatEndpoint(this.local)} → ${formatEndpoint(this.peer)})`
  }
}

function isStopped(pid: number): boolean {
  try {
    return /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true // it is gone
  }
}
