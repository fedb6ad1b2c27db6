import { describeFault, type Fault, type UdpFault } from '../model/fault.ts'
import { describeWhere, type Where } from '../model/where.ts'
import type { InjectedFault } from '../proxy/injection.ts'

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

export function activate<Each extends Fault | UdpFault>(
  proxy: { inject(fault: Each, where: Where): InjectedFault },
  plans: readonly (readonly [Each, Where])[],
): ActiveFault[] {
  return plans.map(([fault, where]) => ({
    words: `${describeFault(fault)} ${describeWhere(where)}`,
    injected: proxy.inject(fault, where),
  }))
}

export function hitsOf(faults: readonly ActiveFault[]): Hits[] {
  return faults.map(({ words, injected }) => ({ fault: words, hits: injected.hits }))
}
