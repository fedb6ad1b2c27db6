import { formatEndpoint } from '../model/endpoint.ts'
import type { Session } from '../proxy/udp/session.ts'
import type { NetUdpProxy } from '../proxy/udp/udp-proxy.ts'
import type { Timeline } from '../timeline/timeline.ts'
import type { Track } from '../timeline/track.ts'
import type { Diary } from './diary.ts'
import { Lookout } from './lookout.ts'
import type { BothWays, Totals } from './pulse.ts'

/** Tells the life of each session of a UDP proxy, as {@link LinkLog} does of links. */
export class SessionLog {
  /** For the proxy, which is to write on it. */
  readonly timeline: Timeline = new Lookout('UDP session', (track) => this.#look(track))
  readonly #diary: Diary
  readonly #live = new Map<Track, Session>()
  readonly #failed = new Set<Track>()
  #proxy: NetUdpProxy | undefined
  #opened = 0
  #passed: BothWays = { upstream: 0, downstream: 0 }

  constructor(diary: Diary) {
    this.#diary = diary
  }

  follow(proxy: NetUdpProxy): void {
    this.#proxy = proxy
  }

  totals(): Totals {
    return { opened: this.#opened, open: this.#live.size, passed: [...this.#live.values()].reduce(add, this.#passed) }
  }

  #look(track: Track): void {
    const session = this.#live.get(track) ?? this.#new(track)
    if (!session) return
    const [error] = session.errors
    if (error && !this.#failed.has(track)) {
      this.#failed.add(track)
      this.#diary.note('failed', session.id, { error }, this.#diary.paint('red', `failed: ${error.message}`))
    }
    if (!this.#proxy!.sessions.has(session)) this.#over(track, session)
  }

  #new(track: Track): Session | undefined {
    for (const each of this.#proxy!.sessions) {
      const session = each as Session
      if (session.track !== track) continue
      this.#live.set(track, session)
      this.#opened++
      const { client } = session
      this.#diary.note('connected', session.id, { client }, `datagrams from ${formatEndpoint(client)}`)
      return session
    }
    return undefined
  }

  #over(track: Track, session: Session): void {
    this.#live.delete(track)
    this.#failed.delete(track)
    this.#passed = add(this.#passed, session)
    const { id, upstream, downstream, errors } = session
    const words = `over: ${counts('upstream', upstream)}; ${counts('downstream', downstream)}`
    const trouble = errors.length > 1 ? `; ${errors.length} errors` : ''
    this.#diary.note('over', id, { upstream, downstream, errors: errors.length }, `${words}${trouble}`)
  }
}

/** `upstream 12 came, 10 passed on` */
export function counts(direction: string, { received, passed }: { readonly received: number; readonly passed: number }): string {
  return `${direction} ${received} came, ${passed} passed on`
}

function add(sum: BothWays, { upstream, downstream }: Session): BothWays {
  return { upstream: sum.upstream + upstream.passed, downstream: sum.downstream + downstream.passed }
}
