import type { Socket } from 'node:net'

import { nextTurn, setTimer } from '../lifetime/timers.ts'
import type { Ending } from '../model/ending.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { END, type Item, RST } from '../model/item.ts'
import type { LinkSide } from '../model/link.ts'
import { now } from '../timeline/clock.ts'
import type { EndingWatch } from '../wire/ending-watch.ts'
import { RESET_GAP_MS } from '../wire/platform.ts'
import { resetOrDestroy } from '../wire/reset.ts'
import { currentTurn } from '../wire/turn.ts'

/** How often to look whether what is to go out before a reset has gone. Milliseconds. */
const LOOK_MS = 5

/** A peer that takes nothing for so long is reset without the rest. Milliseconds. */
const STUCK_MS = 250

/** How many turns a peer in this very process has to read what came last: after a long hold the timer comes before the poll. */
const TURNS_TO_READ = 4

/** What libuv reads in one go. Where as much came, more is waiting, and it reads on within the turn. */
const FULL_READ_BYTES = 65_536

/** Whoever has the side is told what comes from it. */
export interface SideEvents {
  arrived(side: Side, item: Item): void
  /** All that was written is out. */
  drained(side: Side): void
  /** It is gone. `cleanly`: both halves had ended. */
  closed(side: Side, cleanly: boolean): void
}

/**
 * One socket of a link; the upstream one is written to before it is there.
 *
 * It reads by events: iterating a socket destroys its other half, and a pipeline turns a reset into an end
 * (test/platform/closing.test.ts).
 */
export class Side implements LinkSide {
  /** How often it was asked where it leads before that was known. */
  askedTooEarly = 0
  /** Bytes that were written to it and then dropped, because it never was there. */
  lostBytes = 0
  local: Endpoint | undefined
  readonly ended: Promise<Ending>
  ending: Ending | undefined
  /** It went away without having said goodbye. */
  broken = false
  /** It will do nothing more. */
  gone = false
  readonly #events: SideEvents
  readonly #bornTurn = currentTurn()
  #endpoint: Endpoint | undefined
  #resolveEnded!: (ending: Ending) => void
  #socket: Socket | undefined
  #watch: EndingWatch | undefined
  #early: Item[] = []
  #earlyBytes = 0
  /** Chunks that were written since the socket had none left to send. */
  #queuedItems = 0
  #finSent = false
  #lastWriteAtMs = -Infinity

  constructor(events: SideEvents) {
    this.#events = events
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
  }

  get endpoint(): Endpoint | undefined {
    if (!this.#endpoint) this.askedTooEarly++
    return this.#endpoint
  }

  set endpoint(endpoint: Endpoint) {
    this.#endpoint = endpoint
  }

  /** Begins to read from the socket, and sends it what was written before it was there. */
  attach(socket: Socket, watch: EndingWatch, endpoint: Endpoint): void {
    this.#socket = socket
    this.#watch = watch
    this.endpoint = endpoint
    this.local = { host: socket.localAddress ?? '', port: socket.localPort ?? 0 }
    socket.on('data', (chunk: Buffer) => {
      watch.sawData()
      this.#events.arrived(this, chunk)
    })
    socket.on('end', () => this.#sawEnd())
    socket.on('drain', () => this.#events.drained(this))
    socket.on('close', (failed: boolean) => this.#sawClose(failed))
    this.#sendEarly()
  }

  #sendEarly(): void {
    const early = this.#early
    this.#early = []
    this.#earlyBytes = 0
    for (const item of early) {
      if (item === END) this.end()
      else if (item === RST) this.reset()
      else this.write(item)
    }
    if (early.length > 0) this.#events.drained(this) // what a kernel takes at once makes no `drain`
  }

  /** There will be no socket. */
  never(ending: Ending): void {
    if (this.gone) return
    this.gone = true
    this.broken = true
    this.lostBytes = this.#earlyBytes
    this.#early = []
    this.#earlyBytes = 0
    this.#end(ending)
  }

  /** What was written and has not gone out. */
  get queuedBytes(): number {
    return this.#socket ? this.#socket.writableLength : this.#earlyBytes
  }

  /** How many chunks are among them; at least so many, if it has not been without any meanwhile. */
  get queuedItems(): number {
    if (!this.#socket) return this.#early.length
    if (this.#socket.writableLength === 0) this.#queuedItems = 0
    return this.#queuedItems
  }

  /** `false`: it will never be there, and the chunk is dropped. */
  write(chunk: Buffer): boolean {
    const socket = this.#socket
    if (!socket) {
      if (this.gone) return false
      this.#early.push(chunk)
      this.#earlyBytes += chunk.length
      return true
    }
    if (!socket.writable) return true
    if (chunk.length >= FULL_READ_BYTES) this.gather()
    this.#queuedItems = socket.writableLength === 0 ? 1 : this.#queuedItems + 1
    socket.write(chunk)
    this.#lastWriteAtMs = now() // behind the system call: on a busy machine that alone may take longer than the gap
    return true
  }

  /** What is written in this turn goes out in one system call: half as much again, both ways, as in one for each read. */
  gather(): void {
    const socket = this.#socket
    if (!socket || socket.writableCorked > 0) return
    socket.cork()
    nextTurn(() => socket.uncork())
  }

  /** FIN, behind what was written. */
  end(): void {
    if (this.#finSent) return
    if (!this.#socket) {
      if (!this.gone) this.#early.push(END)
      return
    }
    this.#finSent = true
    if (this.#socket.destroyed || this.#watch!.intent) return
    this.#watch!.sendingFin()
    this.#socket.end()
  }

  /** Bytes were written, and wait for the socket to be there. */
  get owed(): boolean {
    return this.#earlyBytes > 0
  }

  /** RST; behind what was written, if the peer still takes it. */
  reset(): void {
    const socket = this.#socket
    if (!socket) {
      if (!this.gone) this.#early.push(RST)
      return
    }
    if (!this.#watch!.intend('reset')) return
    socket.resume() // a paused socket would not notice that its peer is gone
    if (socket.writableLength > 0) this.#cutOnceTaken(socket, socket.writableLength, now())
    else this.#cutWhenQuiet(socket)
  }

  /** Cuts it, without waiting for anything. */
  force(): void {
    if (!this.#socket) return
    this.#watch!.intend('reset')
    resetOrDestroy(this.#socket)
  }

  pause(): void {
    if (!this.#socket) return
    this.#watch!.blind = true
    this.#socket.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  #cutOnceTaken(socket: Socket, leftBytes: number, sinceMs: number): void {
    const left = socket.destroyed ? 0 : socket.writableLength
    this.#lastWriteAtMs = now() // at most so long ago the last of it went out
    if (left === 0 || now() - sinceMs > STUCK_MS) return this.#cutWhenQuiet(socket)
    setTimer(() => this.#cutOnceTaken(socket, left, left < leftBytes ? now() : sinceMs), LOOK_MS)
  }

  /**
   * A reset discards what the kernel still has for a peer that is slow to read, and a peer on an old libuv takes one right
   * behind data for an end; one that is reset in the turn of its accept would never see itself connected.
   */
  #cutWhenQuiet(socket: Socket): void {
    const cut = (): void => resetOrDestroy(socket)
    const waitMs = RESET_GAP_MS - (now() - this.#lastWriteAtMs)
    if (waitMs > 0) setTimer(() => inTurns(TURNS_TO_READ, cut), waitMs)
    else if (waitMs > -STUCK_MS) inTurns(TURNS_TO_READ, cut) // the gap may have been one hold of the loop
    else if (this.#bornTurn === currentTurn()) nextTurn(cut)
    else cut()
  }

  #sawEnd(): void {
    const ending = this.#watch!.ending()
    this.#end(ending)
    this.#events.arrived(this, ending.kind === 'reset' ? RST : END)
  }

  #sawClose(failed: boolean): void {
    const socket = this.#socket!
    const cleanly = !failed && socket.readableEnded && socket.writableFinished
    this.gone = true
    this.broken = !cleanly
    this.#end(this.#watch!.ending())
    this.#events.closed(this, cleanly)
  }

  /** The first that is seen is how it ended. */
  #end(ending: Ending): void {
    if (this.ending) return
    this.ending = ending
    this.#resolveEnded(ending)
  }
}

function inTurns(count: number, act: () => void): void {
  nextTurn(count > 1 ? () => inTurns(count - 1, act) : act)
}
