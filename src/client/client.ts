import { mayBegin, UNBOUNDED } from '../lifetime/bounded.ts'
import { onAbort } from '../lifetime/on-abort.ts'
import { asError } from '../lifetime/throw-all.ts'
import { checkLine, type Client, type WaitOptions } from '../model/client.ts'
import type { Ending } from '../model/ending.ts'
import { Wire, type WireParts } from '../wire/wire.ts'
import type { ConnectOptions } from './connect-options.ts'
import { setKeepAlive } from './keep-alive.ts'

/** The client's end: it reads ahead, so that it sees its ending, and can ask. */
export class NetClient extends Wire implements Client {
  #forgetSignal = (): void => {}

  constructor(parts: WireParts, { closeTimeoutMs, idleTimeoutMs, keepAlive, signal }: ConnectOptions) {
    super(parts, closeTimeoutMs)
    this.track.record('opened', this)
    this.readAhead()
    if (idleTimeoutMs !== undefined)
      this.socket.setTimeout(idleTimeoutMs, () => this.giveUp('timeout', { waitedFor: 'idle', ms: idleTimeoutMs }))
    if (keepAlive) setKeepAlive(this.socket, keepAlive)
    if (signal) this.#forgetSignal = onAbort(signal, (reason) => this.giveUp('closed', asError(reason)))
  }

  async ask(line: string, options: WaitOptions = UNBOUNDED): Promise<string> {
    checkLine(line)
    mayBegin(options)
    this.checkSendable()
    const [, answer] = await Promise.all([this.send(`${line}\n`, options), this.wholeLine(options)])
    return answer ?? this.endedBefore(`${JSON.stringify(line)} was answered`)
  }

  protected override closed(ending: Ending): void {
    this.#forgetSignal()
    super.closed(ending)
  }
}
