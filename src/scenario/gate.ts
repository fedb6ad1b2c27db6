import { onAbort } from '../lifetime/on-abort.ts'
import { clearTimer, setTimer } from '../lifetime/timers.ts'
import { now } from '../timeline/clock.ts'

/** So many clients of a scenario may dial before the first of them is served: half of what a listener's backlog holds. */
export const GATE = 256

/** Where nobody has been served for so long, the next may dial all the same: a server may serve nobody before the last has come. Milliseconds. */
const HOLD_MS = 500

/**
 * Lets so many dial at a time, each until its first reply. Ten thousand at once would overflow the backlog of the server:
 * the kernel drops their SYNs, and half of them were not connected after five seconds.
 */
export class Gate {
  #free: number
  readonly #waiting = new Set<() => void>()
  #servedAtMs = now()

  constructor(places: number) {
    this.#free = places
  }

  /** Resolves when it is one's turn, or `signal` aborts, to the way to leave. */
  async enter(signal: AbortSignal): Promise<() => void> {
    if (this.#free <= 0) await this.#turn(signal)
    if (signal.aborted) return () => {}
    this.#free--
    let inside = true
    const leave = (served = true): void => {
      clearTimer(timer)
      if (!inside) return
      inside = false
      if (served) this.#servedAtMs = now()
      this.#free++
      for (const next of this.#waiting) {
        this.#waiting.delete(next)
        return next()
      }
    }
    const giveUp = (): void => {
      const restMs = this.#servedAtMs + HOLD_MS - now()
      if (restMs > 0) timer = setTimer(giveUp, restMs)
      else leave(false)
    }
    let timer = setTimer(giveUp, HOLD_MS)
    return leave
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const next = (): void => {
        forget()
        resolve()
      }
      this.#waiting.add(next)
      const forget = onAbort(signal, () => {
        this.#waiting.delete(next)
        resolve()
      })
    })
  }
}
