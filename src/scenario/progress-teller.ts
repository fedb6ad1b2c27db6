import { isThenable } from '../model/brand.ts'
import { asError } from '../lifetime/throw-all.ts'
import { nextTurn } from '../lifetime/timers.ts'
import { now } from '../timeline/clock.ts'
import type { Plan } from './scenario-options.ts'

export type Counted = 'connected' | 'done' | 'failed' | 'sent' | 'echoed' | 'mismatched'

/** Counts what clients do. */
export interface Counter {
  count(what: Counted, times?: number): void
}

/**
 * Counts what the clients do, and tells it to whoever wants to know: what happens in one turn is told at once,
 * and nothing is told after {@link finish}.
 */
export class ProgressTeller implements Counter {
  /** What the callback threw; it is not called again. */
  error: Error | undefined
  readonly #plan: Plan
  #startedAtMs = now()
  readonly #counts: Record<Counted, number> = { connected: 0, done: 0, failed: 0, sent: 0, echoed: 0, mismatched: 0 }
  #untold = false
  #finished = false

  constructor(plan: Plan) {
    this.#plan = plan
  }

  /** The clients begin now. */
  begin(): void {
    this.#startedAtMs = now()
  }

  count(what: Counted, times = 1): void {
    if (!this.#plan.onProgress) return
    this.#counts[what] += times
    if (this.#untold) return
    this.#untold = true
    nextTurn(() => this.#tell())
  }

  finish(): void {
    this.#tell()
    this.#finished = true
  }

  #tell(): void {
    if (!this.#untold || this.error) return
    this.#untold = false
    const { clients, messages, onProgress } = this.#plan
    try {
      const told: unknown = onProgress!({ clients, messages: clients * messages, ...this.#counts, elapsedMs: now() - this.#startedAtMs })
      if (isThenable(told)) told.then(undefined, (thrown: unknown) => this.#failed(thrown))
    } catch (thrown) {
      this.#failed(thrown)
    }
  }

  /** After the report it can only be what it would have been anyway: an unhandled rejection. */
  #failed(thrown: unknown): void {
    if (this.#finished) throw thrown
    this.error ??= asError(thrown)
  }
}
