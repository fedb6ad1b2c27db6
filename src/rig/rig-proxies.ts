import type { Deadline } from '../lifetime/deadline.ts'
import { withoutPassword } from '../model/without-password.ts'
import type { NetLink } from '../proxy/link.ts'
import type { NetProxy } from '../proxy/net-proxy.ts'
import { recordOf } from '../proxy/tally.ts'
import type { CallSite } from '../timeline/call-site.ts'
import { now } from '../timeline/clock.ts'
import { foreignOf, judge, wasCut, weEnded, type ForeignRules } from './foreign.ts'
import type { OwnEnds } from './own-ends.ts'

export interface RigProxySetup extends ForeignRules {
  readonly site: CallSite
  readonly note: (text: string) => void
}

/** A TCP proxy of a rig's. */
export class RigProxy {
  readonly proxy: NetProxy
  readonly #setup: RigProxySetup
  #openAtEnd: readonly NetLink[] | undefined

  constructor(proxy: NetProxy, setup: RigProxySetup) {
    this.proxy = proxy
    this.#setup = setup
  }

  /** For an error that names it. */
  get name(): string {
    const at = this.#setup.site.toString()
    return `the proxy on ${withoutPassword(this.proxy.url)}${at && ` (opened ${at})`}`
  }

  /** The servers of the rig begin to stop: what ends its links from here on is not their clients' doing. */
  testHasEnded(): void {
    this.#openAtEnd ??= [...this.proxy.live.all].filter(({ client }) => !client.ending)
  }

  /**
   * Takes it down, and gives what fails the test: what it could not do, faults that never triggered, and foreign clients, see
   * {@link judge}. A stop that the test has called itself is the test's to judge.
   */
  async close(deadline: Deadline, own: OwnEnds): Promise<Error[]> {
    const { proxy } = this
    this.testHasEnded()
    const stopped = proxy.state === 'stopped' || proxy.state === 'stopping' // then the test called it, and has its report
    const sinceMs = now()
    const { errors } = await proxy.halt({ graceMs: deadline.remainingMs })
    return stopped ? [] : [...errors, ...this.#judge(own, sinceMs)]
  }

  #judge(own: OwnEnds, sinceMs: number): Error[] {
    const { proxy } = this
    const { host, port, path } = proxy
    const local = path === undefined ? { host, port } : { path }
    const open = this.#openAtEnd!.map((link) => recordOf(link, local))
    const foreign = foreignOf(open, own, sinceMs, path)
    const cut = foreign.filter(({ ending }) => wasCut(ending) || (ending?.kind === 'reset' && ending.by === 'local'))
    const answered = foreign.filter(({ ending }) => weEnded(ending))
    const clients = { cut, answered }
    return judge(
      clients,
      { url: `${withoutPassword(this.proxy.url)} (proxy)`, opened: this.#setup.site.toString() },
      this.#setup,
      this.#setup.note,
    ).map((error) => this.#setup.site.blame(error))
  }
}
