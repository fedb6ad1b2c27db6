import { clearTimer, setTimer } from '../lifetime/timers.ts'
import type { Connection, ConnectionRecord } from '../model/connection.ts'
import type { Ending } from '../model/ending.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { now } from '../timeline/clock.ts'
import { Wire, type WireParts } from '../wire/wire.ts'

/** Whoever counts the connections. */
export interface ConnectionOwner {
  readonly quitSignal: AbortSignal
  /** Its socket has closed. */
  socketClosed(connection: ServerConnection): void
}

/** The server's end of a connection, with what the server knows of it. */
export class ServerConnection extends Wire implements Connection {
  readonly id: number
  /** How its handler stands. */
  handler: ConnectionRecord['handler'] = 'pending'
  /** Its handler returned a promise, and with it took the connection. */
  owned = false
  /** It was cut when the grace ran out. */
  forced = false
  /** It answers no FIN: not the peer's, nor, with its own, the end of its handler. Until quit. */
  unanswering = false
  /** Its server has closed our half by its own `closing`: a handler that cannot send any more has not failed. */
  closedByServer = false
  /** `connectionOf` or `nextConnection` has given it out. */
  seen = false
  readonly #owner: ConnectionOwner

  constructor(parts: WireParts, id: number, owner: ConnectionOwner) {
    super(parts)
    this.id = id
    this.#owner = owner
    this.track.record('opened', this)
  }

  /** As its client tells it: from there to here. */
  override toString(): string {
    return `${formatEndpoint(this.peer)} → ${formatEndpoint(this.local)}`
  }

  get quitting(): boolean {
    return this.#owner.quitSignal.aborted
  }

  /** Neither its socket nor its handler will do anything more. */
  get over(): boolean {
    return this.ending !== undefined && this.handler !== 'pending'
  }

  handlerDone(how: 'settled' | 'rejected', why?: Error): void {
    this.handler = how
    this.track.record(how === 'settled' ? 'handler settled' : 'handler rejected', why?.message)
  }

  /** The server is told to quit. */
  quitNow(graceMs: number): void {
    if (this.owned && this.handler === 'pending') this.interrupt()
    else if (this.unanswering) void this.finishWithin(graceMs)
    this.unanswering = false
  }

  /** Ends it as quit does: its reads end once what has arrived is delivered; a handler that then goes on for longer than the grace is not waited for. */
  retire(graceMs: number): void {
    const close = (): void => {
      this.closedByServer = true
      void this.closeWithin(graceMs)
    }
    if (!this.owned || this.handler !== 'pending') return close()
    this.interrupt()
    const timer = setTimer(close, graceMs)
    void this.ended.then(() => clearTimer(timer))
  }

  /** Cuts it at the deadline; if its socket has closed already there is nothing to cut. */
  forceNow(): void {
    if (this.ending) return
    this.forced = true
    this.track.record('forced')
    this.force()
  }

  record(): ConnectionRecord {
    const { id, local, peer, ending, handler, socket } = this
    const openMs = ending?.durationMs ?? now() - this.openedAtMs
    return { id, local, peer, ending, bytesRead: socket.bytesRead, bytesWritten: socket.bytesWritten, openMs, handler }
  }

  protected override closed(ending: Ending): void {
    super.closed(ending)
    this.#owner.socketClosed(this)
  }
}
