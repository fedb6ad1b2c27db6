import { clearTimer, setTimer } from '../lifetime/timers.ts'
import type { Connection, ConnectionRecord } from '../model/connection.ts'
import type { Ending } from '../model/ending.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { now } from '../timeline/clock.ts'
import { Wire, type WireParts } from '../wire/wire.ts'
import type { Closing } from './closing.ts'

/** Whoever counts the connections. */
export interface ConnectionOwner {
  readonly quitSignal: AbortSignal
  /** How long a connection may take to close once its handler is done. Milliseconds. */
  readonly graceMs: number
  readonly closing?: Closing | undefined
  /** Its socket has closed. */
  socketClosed(connection: ServerConnection): void
}

/**
 * Who ends a connection now.
 *
 * - `handler`: the handler, by settling: it has returned a promise. Then the server.
 * - `socket`: its socket, as in Node: the handler has returned something else.
 * - `nobody`: the closing is `never`, and the handler has settled.
 * - `server`: it closes it, or has reset it.
 */
export type EndedBy = 'handler' | 'socket' | 'nobody' | 'server'

/** What quit does to a connection, by who ends it then. */
const AT_QUIT: { readonly [Who in EndedBy]: (connection: ServerConnection) => void } = {
  handler: (connection) => connection.interrupt(),
  socket: () => {}, // its handler listens to the signal, or it is forced
  nobody: (connection) => connection.finish(),
  server: () => {},
}

/** What a `closing` does to a connection when its time has come. */
const BY_CLOSING: { readonly [How in Exclude<Closing['how'], 'never'>]: (connection: ServerConnection) => void } = {
  graceful: (connection) => connection.retire(),
  half: (connection) => connection.halfCloseByServer(),
  immediate: (connection) => connection.resetByServer(),
}

/** The server's end of a connection, with what the server knows of it. */
export class ServerConnection extends Wire implements Connection {
  readonly id: number
  /** How its handler stands. */
  handler: ConnectionRecord['handler'] = 'pending'
  /** It was cut when the grace ran out. */
  forced = false
  /** Its server has closed our half by its own `closing`: a handler that cannot send any more has not failed. */
  closedByServer = false
  #endedBy: EndedBy = 'handler'
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

  /** Its handler has returned no promise. */
  leftToSocket(): void {
    this.#endedBy = this.#answersNoEnd ? 'nobody' : 'socket'
    this.socket.allowHalfOpen = this.#answersNoEnd
    this.#handlerDone('settled')
  }

  handlerSettled(): void {
    this.#handlerDone('settled')
    if (!this.#answersNoEnd) return this.finish()
    this.#endedBy = 'nobody'
    this.discard()
  }

  handlerRejected(why: Error): void {
    this.#handlerDone('rejected', why.message)
    this.resetByServer()
  }

  /** Half-closes, and discards until the peer's FIN. */
  finish(): void {
    this.#endedBy = 'server'
    void this.finishWithin(this.#owner.graceMs)
  }

  /** Has its server end it by itself, as its `closing` says; that does not act once the server quits. */
  arm({ how, afterMs = 0 }: Closing): void {
    if (how === 'never') return // it is so from the first moment
    if (afterMs === 0) return BY_CLOSING[how](this)
    const timer = setTimer(() => this.quitting || BY_CLOSING[how](this), afterMs)
    this.socket.once('close', () => clearTimer(timer))
  }

  halfCloseByServer(): void {
    this.closedByServer = true
    this.halfClose()
  }

  resetByServer(): void {
    this.#endedBy = 'server'
    void this.reset()
  }

  /** Ends it as quit does: its reads end once what has arrived is delivered; a handler that then goes on for longer than the grace is not waited for. */
  retire(): void {
    const { graceMs } = this.#owner
    const close = (): void => {
      this.#endedBy = 'server'
      this.closedByServer = true
      void this.closeWithin(graceMs)
    }
    if (this.#endedBy !== 'handler') return close()
    this.interrupt()
    const timer = setTimer(() => {
      if (!this.quitting && this.#endedBy === 'handler') close()
    }, graceMs)
    this.socket.once('close', () => clearTimer(timer))
  }

  /** The server is told to quit. */
  quitNow(): void {
    AT_QUIT[this.#endedBy](this)
  }

  /** Cuts it at the deadline; if its socket has closed already, or is about to, there is nothing to cut. */
  forceNow(): void {
    if (this.socket.destroyed) return
    this.#endedBy = 'server'
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

  /** It answers no FIN: not the peer's, nor, with its own, the end of its handler. Until quit. */
  get #answersNoEnd(): boolean {
    return this.#owner.closing?.how === 'never' && !this.quitting
  }

  #handlerDone(how: 'settled' | 'rejected', why?: string): void {
    this.handler = how
    this.track.record(how === 'settled' ? 'handler settled' : 'handler rejected', why)
  }
}
