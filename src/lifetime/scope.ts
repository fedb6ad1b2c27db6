import { Deadline } from './deadline.ts'
import { asError } from './throw-all.ts'
import { NetgraceError } from '../model/errors.ts'
import { SETTLE_MS } from './stop.ts'

/** Takes one part down; it may take what is left until the deadline. */
export type Release = (deadline: Deadline) => unknown

interface Deferred {
  readonly name: string
  readonly release: Release
}

/**
 * One lifetime for many parts.
 *
 * 1. The parts are taken down newest first, each when the one before is down.
 * 2. All of it runs, whatever fails; the errors are gathered.
 * 3. There is one deadline for all. Past it the rest is still taken down, but who takes longer than a short bound is named, not waited for.
 * 4. What is registered after the close is taken down at once.
 */
export class Scope {
  readonly #parts: Deferred[] = []
  readonly #errors: Error[] = []
  #deadline: Deadline | undefined
  #closing: Promise<readonly Error[]> | undefined

  get closed(): boolean {
    return this.#closing !== undefined
  }

  /** Has `release` run at the close. */
  defer(name: string, release: Release): void {
    if (this.#deadline) void this.#run({ name, release }, this.#deadline)
    else this.#parts.push({ name, release })
  }

  /** Takes everything down, and resolves to what went wrong. A second call gives the first one's promise. */
  close(graceMs: number): Promise<readonly Error[]> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close(graceMs: number): Promise<readonly Error[]> {
    const deadline = new Deadline(graceMs)
    this.#deadline = deadline
    while (this.#parts.length > 0) await this.#run(this.#parts.pop()!, deadline)
    deadline.cancel()
    return this.#errors
  }

  async #run({ name, release }: Deferred, deadline: Deadline): Promise<void> {
    const bound = new Deadline(deadline.remainingMs + 2 * SETTLE_MS)
    const released = (async () => release(deadline))()
    try {
      if (await bound.beats(released)) return
      this.#errors.push(new NetgraceError('ERR_NETGRACE_TIMEOUT', `${name} was not down when the time for closing had run out`))
      released.catch(() => {}) // it was given up
    } catch (thrown) {
      this.#errors.push(asError(thrown))
    } finally {
      bound.cancel()
    }
  }
}
