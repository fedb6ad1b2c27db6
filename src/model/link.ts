import type { Ending } from './ending.ts'
import type { Endpoint } from './endpoint.ts'

/** One side of a link. */
export interface LinkSide {
  /** Who is opposite; `undefined` while the upstream is not known yet. */
  readonly endpoint: Endpoint | undefined
  /** Our end of it: `server.connectionOf(link.upstream)` is the server's. `undefined` until it is connected. */
  readonly local: Endpoint | undefined
  /** How it ended, recorded when its FIN or RST arrives, even if a fault keeps that from the other side. Never rejects. */
  readonly ended: Promise<Ending>
}

/** How many bytes were passed on each way; those for an upstream that could not be reached were not. */
export interface LinkBytes {
  readonly upstream: number
  readonly downstream: number
}

/** One client paired with its upstream socket. */
export interface Link {
  /** Counts from 1 for each proxy. */
  readonly id: number
  readonly client: LinkSide
  readonly upstream: LinkSide
  readonly bytes: LinkBytes
}

/** What is remembered of a link. */
export interface LinkRecord {
  readonly id: number
  /** On the clock of `performance.now()`. */
  readonly openedAtMs: number
  readonly bytes: LinkBytes
  /** How each side ended; `undefined`: not yet. */
  readonly client: Ending | undefined
  readonly upstream: Ending | undefined
  /** Why there was no upstream: `nothing listens at 127.0.0.1:6379 (ECONNREFUSED)`. */
  readonly unreachable?: string
  /** The faults that hit it, in the order in which they did. */
  readonly faults: readonly string[]
}
