import type { EventEmitter } from 'node:events'

// An event's arguments are the event's own affair.
// oxlint-disable-next-line typescript/no-explicit-any
type Listener = (...args: any[]) => void

/** What we listen to on somebody else's emitter: put on first in line, and all taken off together. */
export class OwnListeners {
  readonly #emitter: EventEmitter
  readonly #mine: [event: string, listener: Listener][] = []

  constructor(emitter: EventEmitter) {
    this.#emitter = emitter
  }

  /** Ours comes first: what the others do to a socket we see done. */
  on(event: string, listener: Listener): void {
    this.#emitter.prependListener(event, listener)
    this.#mine.push([event, listener])
  }

  /**
   * Listens only while somebody else does: to an event of an HTTP server that behaves otherwise if nobody listens, as
   * `upgrade` and `checkContinue` do.
   */
  alongside(events: readonly string[], listener: Listener): void {
    const there = new Set<string>()
    const join = (event: string): void => {
      if (there.has(event)) return
      there.add(event) // before it is put on, which is told as well
      this.#emitter.prependListener(event, listener)
    }
    const leave = (event: string): void => {
      if (there.delete(event)) this.#emitter.off(event, listener)
    }
    for (const event of events) if (this.#emitter.listenerCount(event) > 0) join(event)
    this.on('newListener', (event: string) => {
      if (events.includes(event)) join(event)
    })
    this.on('removeListener', (event: string) => {
      if (there.has(event) && this.#emitter.listenerCount(event) === 1) leave(event)
    })
    this.#leave.push(() => events.forEach(leave))
  }

  /** Takes off what others have put on for an event; returns the way to put it back, in the same order. */
  setOthersAside(event: string): () => void {
    const mine = new Set(this.#mine.filter(([of]) => of === event).map(([, listener]) => listener))
    const others = this.#emitter.rawListeners(event).filter((listener) => !mine.has(listener as Listener)) as Listener[]
    for (const listener of others) this.#emitter.off(event, listener)
    return () => {
      for (const listener of others) this.#emitter.on(event, listener)
    }
  }

  removeAll(): void {
    for (const [event, listener] of this.#mine) this.#emitter.off(event, listener)
    this.#mine.length = 0
    for (const leave of this.#leave) leave()
    this.#leave.length = 0
  }

  readonly #leave: (() => void)[] = []
}
