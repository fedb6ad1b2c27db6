import type { TlsOptions } from 'node:tls'

import type { Deadline } from '../lifetime/deadline.ts'
import { Origin } from '../lifetime/origin.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { HandshakeCounts } from '../model/stop-report.ts'
import type { HandshakeRecord } from '../wire/handshakes.ts'
import { HeldPort } from '../wire/held-port.ts'
import { Listener, type ListenerEvents } from '../wire/listener.ts'

/** One address that can be listened on again and again; in between its port is held, and refuses. */
export class Entrance {
  /** Whose the proxy is: what `down()` and `up()` open is too, whatever code calls them. */
  readonly #origin = new Origin()
  readonly #makeListener: () => Listener
  /** All there were: each knows the handshakes that came to nothing. */
  readonly #all: Listener[] = []
  /** Where it listens; before the first time, where it is to. */
  address: Endpoint
  #listener: Listener | undefined
  #held: HeldPort | undefined
  #holding: Promise<void> | undefined
  /** Listeners that have closed, but for their sockets. */
  readonly #gone: Promise<void>[] = []

  /** @param tls  Makes it a TLS listener. */
  constructor(address: Endpoint, events: ListenerEvents, tls?: TlsOptions, record?: HandshakeRecord) {
    this.address = address
    this.#makeListener = () => new Listener(events, tls, record)
  }

  get listens(): boolean {
    return this.#listener !== undefined
  }

  /** Begins to listen. Rejects as {@link Listener.listen} does. */
  async open(): Promise<void> {
    const listener = this.#makeListener()
    this.#all.push(listener)
    const released = this.release()
    this.#listener = listener
    try {
      this.address = await this.#origin.run(() => listener.listen(this.address))
    } catch (error) {
      this.#listener = undefined
      throw error
    } finally {
      await released
    }
  }

  /** TLS handshakes that came to no connection. */
  get handshakes(): HandshakeCounts {
    const sum = (of: keyof HandshakeCounts): number => this.#all.reduce((total, { handshakes }) => total + handshakes[of], 0)
    return { pending: sum('pending'), failed: sum('failed') }
  }

  /** Cuts the TLS handshakes that are under way. */
  cutHandshakes(): void {
    for (const listener of this.#all) listener.cutHandshakes()
  }

  /** From now on who comes is late. */
  quit(): void {
    this.#listener?.quit()
  }

  async acceptBacklog(deadline: Deadline): Promise<void> {
    await this.#listener?.acceptBacklog(deadline)
  }

  /** Closes the listener. Resolves once all that was accepted by it is gone, too. */
  async close(): Promise<void> {
    if (this.#listener) this.#gone.push(this.#listener.close())
    this.#listener = undefined
    await Promise.all(this.#gone)
  }

  /** Closes the listener, and holds the port from the same turn on. Resolves when that is done, whatever becomes of what was accepted. */
  async closeAndHold(deadline: Deadline): Promise<void> {
    if (!this.#listener) return
    this.quit()
    this.#holding = this.#origin.run(() => this.#takeHold(deadline))
    await this.#holding.finally(() => {
      this.#holding = undefined
    })
  }

  /** As {@link closeAndHold}, but closes in this very call: what the kernel has accepted and Node was not given is reset. */
  async closeAndHoldNow(): Promise<void> {
    if (!this.#listener) return
    this.quit()
    void this.close()
    if ('path' in this.address) return
    const { address } = this
    const held = this.#origin.run(() => new HeldPort(address.host))
    this.#held = held
    this.#holding = this.#origin.run(() => held.hold(address)).then(() => {})
    await this.#holding.finally(() => {
      this.#holding = undefined
    })
  }

  async #takeHold(deadline: Deadline): Promise<void> {
    const held = 'path' in this.address ? undefined : new HeldPort(this.address.host)
    await Promise.all([this.acceptBacklog(deadline), held?.ready()])
    if (!this.#listener) return held?.release() // a stop has closed it meanwhile
    void this.close()
    this.#held = held
    if (!('path' in this.address)) await held?.hold(this.address)
  }

  /** Lets go of the port, from this call on; if it is only just being taken hold of, then behind that. */
  async release(): Promise<void> {
    if (this.#holding) await this.#holding.catch(() => {}) // told to whoever asked for it
    const held = this.#held
    this.#held = undefined
    await held?.release()
  }
}
