import type { Deadline } from '../lifetime/deadline.ts'
import { turn } from '../lifetime/timers.ts'

/** How many late connections are let in at most: a client that redials on reset would keep us for ever. */
export const MAX_LATE = 512

/** How many turns of the event loop without a connection mean that the backlog is empty: libuv accepts one a turn. */
const IDLE_TURNS = 2

/** Lets in what the kernel had accepted, one connection a turn, until nothing more comes, `late()` of them is {@link MAX_LATE}, or the deadline passes. */
export async function acceptBacklog(late: () => number, deadline: Deadline): Promise<void> {
  let idle = 0
  while (idle < IDLE_TURNS && late() < MAX_LATE && !deadline.passed) {
    const before = late()
    await turn()
    idle = late() === before ? idle + 1 : 0
  }
}
