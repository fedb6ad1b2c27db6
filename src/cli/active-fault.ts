import type { UdpFault } from '../model/fault.ts'
import type { Where } from '../model/where.ts'
import type { InjectedFault } from '../proxy/injection.ts'
import type { TcpFault } from '../proxy/injections.ts'

/** A fault that is on, as it is called wherever something is said of it. */
export interface ActiveFault {
  readonly words: string
  readonly injected: InjectedFault
}

/** How often each fault has met something, in words and as facts. */
export interface Hits {
  readonly fault: string
  readonly hits: number
}

export function activate<Each extends TcpFault | UdpFault>(
  proxy: { inject(fault: Each, where: Where): InjectedFault },
  plans: readonly (readonly [Each, Where])[],
): ActiveFault[] {
  return plans.map(([fault, where]) => {
    const injected = proxy.inject(fault, where)
    return { words: injected.toString(), injected }
  })
}

export function hitsOf(faults: readonly ActiveFault[]): Hits[] {
  return faults.map(({ words, injected }) => ({ fault: words, hits: injected.hits }))
}
