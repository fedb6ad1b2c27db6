import { now } from '../timeline/clock.ts'
import { Deadline } from './deadline.ts'
import type { Live } from './live.ts'
import { inSlices } from './slices.ts'
import { asError } from './throw-all.ts'
import { turn } from './timers.ts'

/** How long what was forced may take to be gone, and handlers to settle after it, before they are named instead of waited for. */
export const SETTLE_MS = 250

/** So many turns without a connection that leaves mean that the poll has told all it knew: a FIN is read in one, the socket closes in the next. */
const IDLE_TURNS = 3

/** The forcing waits no longer than this for connections that still leave. */
const LAST_TURNS_MS = 100

/** What has connections and can be stopped: the listener in `wire/` does the half that knows of sockets. */
export interface Stoppable<T> {
  readonly live: Live<T>
  /** Flips the state and tells everybody, synchronously: from here on an expected error can be told from a failure. */
  quit(): void
  /** Lets in what the kernel had accepted, until nothing more comes or the deadline passes. */
  acceptBacklog(deadline: Deadline): Promise<void>
  /** Closes the listener now. Resolves once it is gone, which may be after the last socket. */
  closeListener(): Promise<void>
  /** Tells one connection that no more is to be read than what has arrived. */
  interrupt(one: T): void
  /** Cuts one. */
  force(one: T): void
  onPhase(phase: 'draining' | 'forcing'): void
  /** One of these failed. It belongs into the report; the stop goes on. */
  failed(error: Error): void
}

/** How long each phase of a stop took. */
export interface StopPhases {
  readonly quitMs: number
  readonly drainMs: number
  readonly forceMs: number
}

/**
 * Stops in the only order in which nothing is lost:
 *
 * 1. *quit*: the state flips before anything else happens.
 * 2. *backlog*: closing at once would reset unseen whoever the kernel has connected already.
 * 3. *listener*: before draining, or whoever comes late would wait in the kernel for ever.
 * 4. *drain*: reads end, once what had arrived is delivered; then wait until nothing is live. The listener's own
 *    `close` comes before the sockets' and knows nothing of handlers.
 * 5. *force*: at the deadline cut what is left. Nothing is waited for without a bound.
 *
 * (The sixth, the report, is its caller's.) What is done to all connections is done in slices. Nothing that a step throws
 * ends the stop, or keeps the other connections from their turn: it is given to `failed`. Never rejects.
 */
export async function stopInOrder<T>(target: Stoppable<T>, deadline: Deadline): Promise<StopPhases> {
  const startedAt = now()
  const { live } = target
  const tried = (act: () => void): void => {
    try {
      act()
    } catch (thrown) {
      target.failed(asError(thrown))
    }
  }
  const attempt = async (act: () => Promise<void>): Promise<void> => {
    try {
      await act()
    } catch (thrown) {
      target.failed(asError(thrown))
    }
  }

  tried(() => target.quit())
  const letIn = attempt(() => target.acceptBacklog(deadline))
  if (!(await deadline.beats(letIn))) await within(SETTLE_MS, letIn)
  const listenerGone = attempt(() => target.closeListener())

  const drainingSince = now()
  tried(() => target.onPhase('draining'))
  await inSlices(
    live.all,
    (one) => tried(() => target.interrupt(one)),
    () => deadline.passed,
  )
  const over = Promise.all([live.empty(), listenerGone])
  const drained = (await deadline.beats(over)) || (await lastTurns(live, over))

  const forcingSince = now()
  if (!drained) {
    tried(() => target.onPhase('forcing'))
    await inSlices(live.all, (one) => tried(() => target.force(one)))
    await within(SETTLE_MS, over)
  }
  deadline.cancel()
  return { quitMs: drainingSince - startedAt, drainMs: forcingSince - drainingSince, forceMs: now() - forcingSince }
}

/** Waits for `work`, but no longer than `ms`. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const bound = new Deadline(ms)
  await bound.beats(work)
  bound.cancel()
}

/**
 * Whether `over` comes true within the turns in which the live ones still leave, up to {@link IDLE_TURNS} in which none does.
 * After a long hold of the event loop the deadline fires before the poll, and a peer whose FIN had come in time is not to be cut.
 */
async function lastTurns(live: Live<unknown>, over: Promise<unknown>): Promise<boolean> {
  const bound = new Deadline(LAST_TURNS_MS)
  const done = over.then(() => true)
  let left = false
  for (let idle = 0; idle < IDLE_TURNS && !left && !bound.passed;) {
    const before = live.all.size
    left = await Promise.race([done, turn().then(() => false)])
    idle = live.all.size === before ? idle + 1 : 0
  }
  bound.cancel()
  return left
}
