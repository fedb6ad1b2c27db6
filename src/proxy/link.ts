import type { Socket } from 'node:net'
import type { ConnectionOptions, TLSSocket } from 'node:tls'

import { asError } from '../lifetime/throw-all.ts'
import { clearTimer, setTimer } from '../lifetime/timers.ts'
import { isPromise, membersOf } from '../model/brand.ts'
import { describeEnding } from '../model/describe-ending.ts'
import { decideEnding, type Ending } from '../model/ending.ts'
import { formatEndpoint, type Endpoint } from '../model/endpoint.ts'
import type { Direction } from '../model/fault.ts'
import { END, type Item, RST } from '../model/item.ts'
import type { Link, LinkBytes, LinkRecord } from '../model/link.ts'
import { now } from '../timeline/clock.ts'
import type { Track } from '../timeline/track.ts'
import { dial, type Dialled } from '../wire/dial.ts'
import { EndingWatch } from '../wire/ending-watch.ts'
import { Lane, type LaneOwner } from './lane.ts'
import { Side, type SideEvents } from './side.ts'

/** Whoever has the links. */
export interface LinkOwner {
  readonly dialTimeoutMs: number
  /** Where to dial; asked for each link. */
  upstream(): Endpoint | Promise<Endpoint>
  /** Where it leads is known now, though it was not when it was accepted. */
  located(link: NetLink): void
  /** With what it dials, if that is TLS. */
  tlsTo(link: NetLink): ConnectionOptions | undefined
  /** Resolves when it may dial; `undefined`: now. */
  beforeDial(link: NetLink): Promise<void> | undefined
  /** Its upstream is connected. */
  opened(link: NetLink, to: Endpoint): void
  /** Its upstream will never be there, and `why`. */
  unreachable(link: NetLink, why: string): void
  /** Bytes have arrived, before any fault sees them. */
  arrived(link: NetLink, direction: Direction, chunk: Buffer): void
  /** Both its sockets are gone. */
  over(link: NetLink): void
  failed(error: Error): void
}

/**
 * One client paired with its upstream socket.
 *
 * 1. It is live until both sockets have closed.
 * 2. FIN and RST travel along their lanes. An RST that is delivered resets both sides; an `END` is one half of a goodbye.
 * 3. A side that goes away without a goodbye takes the other one with it, by RST, as soon as its lane gets there.
 */
export class NetLink implements Link, SideEvents, LaneOwner {
  readonly id: number
  readonly client: Side = new Side(this)
  readonly upstream: Side = new Side(this)
  readonly lanes: { readonly [Each in Direction]: Lane } = {
    upstream: new Lane(this, 'upstream', this.client, this.upstream),
    downstream: new Lane(this, 'downstream', this.upstream, this.client),
  }
  readonly openedAtMs: number = now()
  /** The faults that hit it. */
  readonly faults: string[] = []
  readonly track: Track
  /** It was cut when the grace ran out. */
  forced = false
  /** Why there is no upstream; `undefined`: there is one, or nothing has failed yet. */
  unreachable: string | undefined
  /** Its contents are TLS, as far as its first bytes say: a pattern cannot match them. */
  isEncrypted = false
  readonly #owner: LinkOwner
  /** Where it leads, or the answer that is waited for. */
  #to: Endpoint | Promise<Endpoint> | undefined
  #dialled: Dialled | undefined
  #closing: 'no' | 'finishing' | 'resetting' = 'no'
  #over = false
  #protocol: string | undefined

  constructor(owner: LinkOwner, id: number, track: Track) {
    this.#owner = owner
    this.id = id
    this.track = track
  }

  get link(): this {
    return this
  }

  /** What its client has agreed on with the proxy by ALPN. */
  get protocol(): string | undefined {
    return this.#protocol
  }

  get bytes(): LinkBytes {
    return { upstream: this.lanes.upstream.bytes, downstream: this.lanes.downstream.bytes }
  }

  /** Asks where it leads, before it counts as open: a function may inject a fault meanwhile, which is for this link, too. */
  locate(): void {
    try {
      this.#to = this.#owner.upstream()
    } catch (thrown) {
      this.#to = Promise.reject(thrown)
    }
    if (isPromise(this.#to)) this.#to.catch(() => {}) // the dial hears of it
    else this.upstream.endpoint = this.#to
  }

  /** Begins to read from the client. Nothing moves before the turn is over. */
  start(socket: Socket, raw: Socket, peer: Endpoint): void {
    this.track.record('opened', formatEndpoint(peer))
    this.#protocol = (socket as Partial<TLSSocket>).alpnProtocol || undefined
    this.client.attach(socket, new EndingWatch(socket, 'open', raw), peer)
  }

  record(): LinkRecord {
    const { id, openedAtMs, bytes, client, upstream, unreachable, faults } = this
    const record = { id, openedAtMs, bytes, client: client.ending, upstream: upstream.ending, faults: [...faults] }
    return unreachable === undefined ? record : { ...record, unreachable }
  }

  toString(): string {
    const { client, upstream } = this
    const ends = [client, upstream].map(({ endpoint }) => (endpoint ? formatEndpoint(endpoint) : '(not dialled yet)'))
    return `link #${this.id} (${ends.join(' → ')})`
  }

  /** FIN to both sides behind what was passed on; what they still send is read and dropped. */
  finish(): void {
    if (this.#closing !== 'no') return
    this.#closing = 'finishing'
    this.track.record('half-closed', 'to both sides')
    this.#closeLanes()
    this.client.end()
    this.upstream.end()
    if (!this.upstream.owed) this.#dropDial()
  }

  /** RST to both sides, behind what was passed on. */
  reset(): void {
    if (this.#closing === 'resetting') return
    this.#closing = 'resetting'
    this.track.record('resetting', 'both sides')
    this.#closeLanes()
    this.client.reset()
    this.upstream.reset()
    if (!this.upstream.owed) this.#dropDial()
  }

  /** As {@link finish}; a dial under way is dropped, whatever waits for it. */
  quit(): void {
    this.finish()
    this.#dropDial()
  }

  /** Cuts both sides at the deadline. */
  force(): void {
    this.forced = true
    this.#closing = 'resetting'
    this.track.record('forced')
    this.#closeLanes()
    this.#dropDial()
    this.client.force()
    this.upstream.force()
  }

  arrived(side: Side, item: Item): void {
    const lane = this.#laneFrom(side)
    if (typeof item === 'symbol') this.track.record('peer half-closed', `${this.#name(side)} sent ${item === END ? 'FIN' : 'RST'}`)
    else if (this.#closing === 'no') this.#sawBytes(lane, item)
    lane.push(item)
  }

  drained(side: Side): void {
    this.#laneTo(side).flow()
  }

  closed(side: Side, cleanly: boolean): void {
    this.track.record('note', `${this.#name(side)}: ${describeEnding(side.ending!)}`)
    this.#laneTo(side).close() // nobody takes it any more
    if (!cleanly && this.#closing === 'no') this.#broke(side)
    this.#overNow()
  }

  delivered(lane: Lane, last: typeof END | typeof RST): void {
    if (last === RST || (lane.from.broken && lane.endsLinkAs === undefined)) this.reset()
    else if (lane.endsLinkAs === 'finish') this.finish()
    else lane.to.end()
  }

  canEnd(how: 'finish' | 'reset'): boolean {
    return this.#closing === 'no' || (how === 'reset' && this.#closing === 'finishing')
  }

  failed(error: Error): void {
    this.#owner.failed(error)
    this.reset()
  }

  /** A side went without a goodbye: that it did travels behind its bytes, if its lane has not ended yet. */
  #broke(side: Side): void {
    const lane = this.#laneFrom(side)
    if (lane.over) this.reset()
    else if (!lane.entered) lane.push(RST)
  }

  /** Dials the upstream, while the client may send already. */
  async dial(): Promise<void> {
    const startedAtMs = now()
    let to: Endpoint
    try {
      to = isPromise(this.#to) ? await this.#to : this.#to!
    } catch (thrown) {
      const cause = asError(thrown)
      if (this.upstream.gone) return
      this.#owner.failed(cause)
      this.upstream.never(notDialled(startedAtMs, { error: cause }))
      return this.#cannotReach(`the upstream function failed: ${cause.message}`)
    }
    if (this.upstream.gone) return
    if (isPromise(this.#to)) {
      this.upstream.endpoint = to
      this.#owner.located(this)
    }
    const delayed = this.#owner.beforeDial(this)
    if (delayed) await delayed
    if (this.upstream.gone) return
    this.track.record('dialling', formatEndpoint(to))
    const dialled = this.#dialTo(to)
    if (!dialled) return
    this.#dialled = dialled
    const { dialTimeoutMs: ms } = this.#owner
    const timer = setTimer(() => dialled.giveUp('timeout', { waitedFor: dialled.stage, ms }), ms)
    const stands = await dialled.standing
    clearTimer(timer)
    this.#dialled = undefined
    const { socket, watch } = dialled
    if (stands) {
      this.upstream.attach(socket, watch, to)
      return this.#owner.opened(this, to)
    }
    const ending = watch.ending()
    this.upstream.never(ending)
    this.#cannotReach(whyNot(to, ending))
  }

  #dialTo(to: Endpoint): Dialled | undefined {
    const tls = this.#owner.tlsTo(this)
    try {
      return dial(to, tls ? { allowHalfOpen: true, tls } : { allowHalfOpen: true })
    } catch (thrown) {
      const cause = asError(thrown) // TLS options that do not go with this address
      this.upstream.never(notDialled(now(), { error: cause }))
      this.#cannotReach(`${formatEndpoint(to)} cannot be dialled: ${cause.message}`)
      return undefined
    }
  }

  /** What a failed dial does to the client goes along the lane, as any reset: a clean end would hide it, and faults hold it as they hold all else. */
  #cannotReach(why: string): void {
    if (this.#closing === 'no') {
      this.unreachable = why
      this.track.record('note', `${why}; the client is reset`)
      this.#owner.unreachable(this, why)
      this.lanes.upstream.close()
      this.lanes.downstream.push(RST)
    }
    this.#overNow()
  }

  #sawBytes(lane: Lane, chunk: Buffer): void {
    this.isEncrypted ||= isHandshake(chunk)
    this.#owner.arrived(this, lane.direction, chunk)
  }

  #dropDial(): void {
    if (this.#dialled) {
      this.#dialled.giveUp('closed')
    } else if (!this.upstream.local) {
      this.upstream.never(notDialled(this.openedAtMs, { intent: 'closed' }))
      this.#overNow()
    }
  }

  #closeLanes(): void {
    this.lanes.upstream.close()
    this.lanes.downstream.close()
  }

  #overNow(): void {
    if (this.#over || !this.client.gone || !this.upstream.gone) return
    this.#over = true
    this.#closeLanes()
    const { upstream, downstream } = this.bytes
    this.track.record('ended', `${upstream} B upstream, ${downstream} B downstream`)
    this.#owner.over(this)
  }

  #laneFrom(side: Side): Lane {
    return side === this.client ? this.lanes.upstream : this.lanes.downstream
  }

  #laneTo(side: Side): Lane {
    return side === this.client ? this.lanes.downstream : this.lanes.upstream
  }

  #name(side: Side): string {
    return side === this.client ? 'client' : 'upstream'
  }
}

function notDialled(sinceMs: number, seen: { readonly intent: 'closed' } | { readonly error: Error }): Ending {
  const verdict = decideEnding({ ...seen, endSeen: false, falseEnd: false, finFirst: false, unsure: false })
  const cause = 'error' in seen ? { cause: seen.error } : {}
  return { ...verdict, phase: 'connecting', bytesRead: 0, bytesWritten: 0, durationMs: now() - sinceMs, ...cause }
}

/** A sentence without its end, as the story and `history` have it. */
function whyNot(to: Endpoint, ending: Ending): string {
  const { code, message } = (ending.cause ?? {}) as NodeJS.ErrnoException
  const address = formatEndpoint(to)
  switch (ending.kind) {
    case 'refused':
      return `nothing listens at ${address} (${codeOf(ending.cause)})`
    case 'timeout':
      return `${address} did not answer the connect within ${Math.round(ending.durationMs)} ms`
    default:
      return `${address} cannot be reached (${code ?? message ?? describeEnding(ending)})`
  }
}

function codeOf(error: Error | undefined): string {
  const first: NodeJS.ErrnoException | undefined = membersOf(error)[0] ?? error
  return first?.code ?? 'ECONNREFUSED'
}

/** Whether bytes begin a TLS handshake: a record of type 22 with the greeting of either side in it. */
function isHandshake(chunk: Buffer): boolean {
  return chunk[0] === 0x16 && chunk[1] === 0x03 && (chunk[5] === 1 || chunk[5] === 2)
}
