import type { ConnectionRecord } from './connection.ts'

/** TLS handshakes of one run that came to no connection. Both are 0 without TLS, and where TLS is only passed on. */
export interface HandshakeCounts {
  /** Still under way when the grace ran out, and cut. */
  readonly pending: number
  /** Failed, or left by the peer. */
  readonly failed: number
}

/** What one run of a server came to. `accepted === endedBefore + drained.length + forced.length`, always. */
export interface StopReport {
  /** Connections given to a handler in this run. */
  readonly accepted: number
  /** Of these, over before `stop()`. */
  readonly endedBefore: number
  /** Ended within the grace. */
  readonly drained: readonly ConnectionRecord[]
  /** Cut when the grace ran out. */
  readonly forced: readonly ConnectionRecord[]
  /** Those of the two whose handler never settled. */
  readonly unsettled: readonly ConnectionRecord[]
  /** Reached us after quit: never handed to a handler, reset, counted. */
  readonly late: number
  /** TLS handshakes that came to no connection. */
  readonly handshakes: HandshakeCounts
  /** What handlers threw, but the end of their own connection. */
  readonly errors: readonly Error[]
  readonly durationMs: number
  readonly phases: { readonly quitMs: number; readonly drainMs: number; readonly forceMs: number }
}
