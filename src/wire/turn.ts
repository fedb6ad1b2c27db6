import { nextTurn, setTimer } from '../lifetime/timers.ts'
import { now } from '../timeline/clock.ts'

let count = 0
let counting = false

/** The number of the event loop's turn; two calls with the same answer were made in the same turn. */
export function currentTurn(): number {
  if (!counting) {
    counting = true
    nextTurn(() => {
      counting = false
      count++
    })
  }
  return count
}

/** Calls `act` so many turns later. */
export function inTurns(left: number, act: () => void): void {
  nextTurn(left > 1 ? () => inTurns(left - 1, act) : act)
}

/** How many turns a peer in this very process has to read what came last: after a long hold the timer comes before the poll. */
const TURNS_TO_READ = 4

/**
 * Calls `act` when `ms` have really passed, and all that had come by then has been read. A timer counts from when the turn began,
 * which may be long ago: it alone would come too early.
 */
export function onceQuietFor(ms: number, act: (lateMs: number) => void): void {
  const dueMs = now() + ms
  const check = (): void => {
    const leftMs = dueMs - now()
    if (leftMs > 0) onceQuietFor(leftMs, act)
    else inTurns(TURNS_TO_READ, () => act(-leftMs))
  }
  if (ms > 0) setTimer(check, ms)
  else check()
}
