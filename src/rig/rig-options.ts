import type { ServerOptions } from '../server/server-options.ts'
import type { SuperviseOptions } from '../server/supervise/supervise-options.ts'
import { serverRules } from '../server/server-options.ts'
import { boolean, duration, type Rules } from '../model/options.ts'

/** Default of a rig's `graceMs`: how long all its parts together may take to close. Milliseconds. */
export const DEFAULT_RIG_GRACE_MS = 1000

export interface RigOptions {
  /** How long all parts together may take to close. Default {@link DEFAULT_RIG_GRACE_MS}. */
  readonly graceMs?: number
  /** Permits that connections of somebody else's clients are still open at the end, and are cut. Default `false`: that fails the test. */
  readonly allowForced?: boolean
}

export interface RigServerOptions extends ServerOptions {
  /** As in {@link RigOptions}, for this server alone. */
  readonly allowForced?: boolean
}

export interface RigSuperviseOptions extends SuperviseOptions {
  /** As in {@link RigOptions}, for this server alone. */
  readonly allowForced?: boolean
}

export const rigRules: Rules<RigOptions> = { graceMs: duration, allowForced: boolean }

export const rigServerRules: Rules<RigServerOptions> = { ...serverRules, allowForced: boolean }
