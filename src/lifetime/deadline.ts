import { now } from '../timeline/clock.ts'
import { clearTimer, setTimer } from './timers.ts'

/** A point in time that can be brought forward, never put off. Its owner cancels it once nobody waits for it. */
export class Deadline {
  #atMs: number
  #timer: NodeJS.Timeout | undefined
  #passed = false
  readonly #whenPassed = new Set<() => void>()

  constructor(ms: number) {
    this.#atMs = now() + ms
    this.#arm()
  }

  get passed(): boolean {
    return this.#passed
  }

  get remainingMs(): number {
    return this.#passed ? 0 : Math.max(0, this.#atMs - now())
  }

  /** Passes in `ms` from now if that is sooner. */
  bringForward(ms: number): void {
    const atMs = now() + ms
    if (this.#passed || atMs >= this.#atMs) return
    this.#atMs = atMs
    clearTimer(this.#timer)
    this.#arm()
  }

  /** Calls `act` when it passes, at once if it has. Returns the way to forget it. */
  onPass(act: () => void): () => void {
    if (this.#passed) act()
    else this.#whenPassed.add(act)
    return () => void this.#whenPassed.delete(act)
  }

  /** `true` once `work` is done, `false` if the deadline passed first. What `work` rejects with, this rejects with. */
  async beats(work: Promise<unknown>): Promise<boolean> {
    let forget = (): void => {}
    const passed = new Promise<false>((resolve) => {
      forget = this.onPass(() => resolve(false))
    })
    try {
      return await Promise.race([work.then(() => true), passed])
    } finally {
      forget()
    }
  }

  cancel(): void {
    clearTimer(this.#timer)
    this.#whenPassed.clear()
  }

  #arm(): void {
    const ms = this.#atMs - now()
    if (ms <= 0) this.#pass()
    else this.#timer = setTimer(() => this.#arm(), ms) // a timer may fire a little early
  }

  #pass(): void {
    this.#passed = true
    const acts = [...this.#whenPassed]
    this.#whenPassed.clear()
    for (const act of acts) act()
  }
}
