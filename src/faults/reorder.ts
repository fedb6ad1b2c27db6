import type { UdpFault } from '../model/fault.ts'
import { checkOptions, interval, type Rules } from '../model/options.ts'

export interface ReorderOptions {
  /** How long a datagram that is hit is held back, so that later ones overtake it. Milliseconds. Default 20. */
  readonly ms?: number | undefined
  /** How many of them are. Default 0.5; with 1 all would only be late. */
  readonly share?: number | undefined
}

const DEFAULT_REORDER_MS = 20
const DEFAULT_SHARE = 0.5

const RULES: Rules<ReorderOptions> = { ms: interval, share: interval }

/** Holds some datagrams back, so that later ones overtake them. */
export function reorder(options: ReorderOptions = {}): UdpFault {
  checkOptions(options, RULES)
  const { ms = DEFAULT_REORDER_MS, share = DEFAULT_SHARE } = options
  return { name: 'reorder', options, datagram: ({ random }) => [random.next() < share ? ms : 0] }
}
