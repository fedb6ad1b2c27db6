import type { ConnectFault } from '../model/fault.ts'
import { checkOptions, duration, type Rules } from '../model/options.ts'

export interface ConnectLatencyOptions {
  /** How much later a link dials its upstream. Milliseconds. */
  readonly ms: number
  /** So much more or less. Milliseconds. Default 0. */
  readonly jitterMs?: number | undefined
}

const RULES: Rules<ConnectLatencyOptions> = { ms: duration, jitterMs: duration }

/**
 * Connecting takes longer. The kernel completes the client's own connect; what comes later is the dial behind it, and with that
 * the server's greeting and the answer to all that the client sends. A healing dials at once.
 */
export function connectLatency(options: ConnectLatencyOptions): ConnectFault {
  checkOptions(options, RULES)
  duration('ms', options.ms)
  const { ms, jitterMs = 0 } = options
  return { name: 'connectLatency', options: { ...options }, connect: ({ random }) => Math.max(0, ms + (2 * random.next() - 1) * jitterMs) }
}
