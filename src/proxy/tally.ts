import type { StopPhases } from '../lifetime/stop.ts'
import type { ConnectionRecord } from '../model/connection.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { LinkRecord } from '../model/link.ts'
import type { HandshakeCounts, StopReport } from '../model/stop-report.ts'
import { now } from '../timeline/clock.ts'
import type { NetLink } from './link.ts'

/** How many links that are over stay in `history`. */
export const HISTORY = 1000

/** Counts the links of one proxy: each once as accepted, and once as ended before the stop, drained or forced. */
export class Tally {
  accepted = 0
  late = 0
  readonly errors: Error[] = []
  readonly past: LinkRecord[] = []
  readonly #drained: ConnectionRecord[] = []
  readonly #forced: ConnectionRecord[] = []
  #endedBefore = 0

  get forced(): number {
    return this.#forced.length
  }

  /** It is over, or given up at a stop. */
  count(link: NetLink, local: Endpoint, stopping: boolean): void {
    if (!stopping) this.#endedBefore++
    else (link.forced ? this.#forced : this.#drained).push(recordOf(link, local))
    this.past.push(link.record())
    if (this.past.length > HISTORY) this.past.shift()
  }

  report(phases: StopPhases, handshakes: HandshakeCounts): StopReport {
    return {
      accepted: this.accepted,
      endedBefore: this.#endedBefore,
      drained: this.#drained,
      forced: this.#forced,
      unsettled: [],
      late: this.late,
      handshakes,
      errors: this.errors,
      durationMs: phases.quitMs + phases.drainMs + phases.forceMs,
      phases,
    }
  }
}

/** The client's side of a link, as a server's report would have it. */
export function recordOf({ id, client, bytes, openedAtMs }: NetLink, local: Endpoint): ConnectionRecord {
  return {
    id,
    local,
    peer: client.endpoint!,
    ending: client.ending,
    bytesRead: client.ending?.bytesRead ?? bytes.upstream,
    bytesWritten: bytes.downstream,
    openMs: client.ending?.durationMs ?? now() - openedAtMs,
    handler: 'settled',
  }
}
