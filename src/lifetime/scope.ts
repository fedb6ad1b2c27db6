import { now } from '../timeline/clock.ts'
import type { CallSite } from '../timeline/call-site.ts'
import { Deadline } from './deadline.ts'
import { asError } from './throw-all.ts'
import { NetgraceError } from '../model/errors.ts'
import { SETTLE_MS } from './stop.ts'

/** One thing that the scope takes down. */
export interface Part {
  /** What it is, for the error that names it. */
  name(): string
  /** Takes it down; it may take what is left until the deadline. */
  release(deadline: Deadline): unknown
  /** The line that asked for it: the stack of the error that names it. */
  readonly site?: CallSite | undefined
}

/**
 * One lifetime for many parts.
 *
 * 1. The parts are taken down newest first, each when the one before is down.
 * 2. All of it runs, whatever fails; the errors are gathered.
 * 3. There is one deadline for all. Past it the rest is still taken down, but a part that takes longer than a short bound is named, not waited for.
 * 4. What is registered during the close is taken down at once, and the close waits for it, too.
 * 5. What is registered after the close is taken down at once; what goes wrong then is an unhandled rejection, since no caller is left.
 * 6. A part that has ended by itself is let go of.
 */
export class Scope {
  readonly #parts = new Set<Part>()
  /** Those that were registered during the close. */
  readonly #late = new Set<Promise<void>>()
  readonly #errors: Error[] = []
  #deadline: Deadline | undefined
  #closing: Promise<readonly Error[]> | undefined
  #over = false

  /** Whether the close has begun. */
  get closed(): boolean {
    return this.#closing !== undefined
  }

  /** Has the part taken down at the close. Returns the way to let go of it. */
  defer(part: Part): () => void {
    if (!this.#deadline) this.#parts.add(part)
    else if (this.#over) void this.#releaseNow(part, this.#deadline)
    else this.#releaseLate(part, this.#deadline)
    return () => void this.#parts.delete(part)
  }

  /** Takes everything down, and resolves to what went wrong. A second call gives the first one's promise. */
  close(graceMs: number): Promise<readonly Error[]> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close(graceMs: number): Promise<readonly Error[]> {
    const deadline = new Deadline(graceMs)
    this.#deadline = deadline
    for (const part of [...this.#parts].toReversed()) if (this.#parts.delete(part)) await this.#release(part, deadline)
    while (this.#late.size > 0) await Promise.all(this.#late)
    this.#over = true
    deadline.cancel()
    return this.#errors
  }

  #releaseLate(part: Part, deadline: Deadline): void {
    const released = this.#release(part, deadline).finally(() => this.#late.delete(released))
    this.#late.add(released)
  }

  async #release(part: Part, deadline: Deadline): Promise<void> {
    await this.#releaseNow(part, deadline).catch((thrown: unknown) => this.#errors.push(asError(thrown)))
  }

  /** Rejects with what its release threw, or with an error that names it. */
  async #releaseNow(part: Part, deadline: Deadline): Promise<void> {
    const startedAt = now()
    const bound = new Deadline(deadline.remainingMs + 2 * SETTLE_MS)
    const released = (async () => part.release(deadline))()
    try {
      if (await bound.beats(released)) return
    } finally {
      bound.cancel()
    }
    released.catch(() => {}) // it was given up
    const late = new NetgraceError('ERR_NETGRACE_TIMEOUT', `${part.name()} did not close within ${Math.round(now() - startedAt)} ms`)
    throw part.site?.blame(late) ?? late
  }
}
