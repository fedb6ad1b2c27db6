import { Deadline } from '../lifetime/deadline.ts'
import { SETTLE_MS } from '../lifetime/stop.ts'
import { asError } from '../lifetime/throw-all.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import { HeldPort } from '../wire/held-port.ts'

interface TcpEndpoint {
  readonly host: string
  readonly port: number
}

/**
 * The port of a server while nothing listens on it: free, or held, so that it refuses.
 *
 * 1. The last word counts: {@link want} can be called at any time, and also changes what is done already.
 * 2. The means to hold it are made before the listener lets go of it, so that no gap opens.
 * 3. One promise tells when the port is as it was last wanted: {@link settled}. It never rejects.
 */
export class PortHold {
  readonly #host: string
  /** Where the port is while the listener does not have it. */
  #free: TcpEndpoint | undefined
  #held: HeldPort | undefined
  #changing: Promise<void> | undefined
  /** What went wrong with the latest change. */
  #error: Error | undefined

  constructor(host: string) {
    this.#host = host
  }

  /** Whether {@link settled} has something to wait for. */
  get changing(): boolean {
    return this.#changing !== undefined
  }

  /** Holds the port from when the listener lets go of it, now if it has; or lets go of it. */
  want(toBeHeld: boolean): void {
    if (toBeHeld === (this.#held !== undefined)) return
    if (toBeHeld) {
      this.#held = new HeldPort(this.#host)
      if (this.#free) this.#change(this.#take(this.#held, this.#free))
    } else {
      const held = this.#held!
      this.#held = undefined
      this.#change(held.release().then(() => undefined, asError))
    }
  }

  /** Resolves once the port can be taken in the very turn in which it becomes free. */
  async ready(): Promise<void> {
    if (this.#held) await within(this.#held.ready())
  }

  /** The listener lets go of the port in this very turn. */
  freed(at: TcpEndpoint): void {
    if (at.port === 0) return this.want(false) // it never had one
    this.#free = at
    if (this.#held) this.#change(this.#take(this.#held, at))
  }

  /** From this call on the port can be listened on. */
  giveBack(): void {
    this.#free = undefined
    this.#error = undefined
    this.want(false)
  }

  /** Resolves once nothing changes any more: to the error, if the port was to be held and could not be. */
  async settled(): Promise<Error | undefined> {
    while (this.#changing) await this.#changing
    return this.#error
  }

  #change(change: Promise<Error | undefined>): void {
    this.#error = undefined
    const changing = change.then((error) => {
      if (this.#changing !== changing) return // a later word
      this.#changing = undefined
      this.#error = error
    })
    this.#changing = changing
  }

  async #take(held: HeldPort, at: TcpEndpoint): Promise<Error | undefined> {
    try {
      if (await within(held.hold(at))) return undefined
      throw new Error(`it took more than ${SETTLE_MS} ms`)
    } catch (cause) {
      if (this.#held !== held) return undefined // let go of meanwhile
      this.#held = undefined
      await held.release()
      if (cause instanceof NetgraceError) return cause
      const { message } = asError(cause)
      return new NetgraceError('ERR_NETGRACE_LISTEN', `could not hold ${formatEndpoint(at)}: ${message}`, { cause })
    }
  }
}

/** Whether `work` is done in the short time that all of this takes. */
async function within(work: Promise<unknown>): Promise<boolean> {
  const bound = new Deadline(SETTLE_MS)
  try {
    return await bound.beats(work)
  } finally {
    bound.cancel()
  }
}
