import { NetgraceError } from '../model/errors.ts'
import type { Leak } from '../model/leak.ts'
import { framesOf } from '../timeline/frames.ts'
import { reportLeaks } from './report.ts'

/**
 * Handles were left open; `leaks` has them. Code `ERR_NETGRACE_LEAK`.
 *
 * Its stack begins with the line that opened the first of them, so that a runner shows the code there.
 */
export class LeakError extends NetgraceError {
  readonly leaks: readonly Leak[]

  /** Of `assertNoLeaks`: what was opened meanwhile in no test's context. */
  readonly orphans: readonly Leak[]

  /** @param after  What had ended, and how long ago. */
  constructor(leaks: readonly Leak[], after: string, hint: string, orphans: readonly Leak[] = []) {
    super('ERR_NETGRACE_LEAK', reportLeaks(leaks, after, hint, orphans))
    this.leaks = leaks
    this.orphans = orphans
    const opened = (leaks.length > 0 ? leaks : orphans).find(({ site }) => site)?.stack.split('\n') ?? []
    const asked = framesOf({ stack: this.stack ?? '' }).filter(({ whose }) => whose === 'user')
    this.stack = [`${this.name}: ${this.message}`, ...[...opened, ...asked.map(({ text }) => text)].map((frame) => `    ${frame}`)].join(
      '\n',
    )
  }

  /** The message tells each leak: a runner that prints an error's members as well would tell them twice. */
  toJSON(): object {
    const { name, code, message, stack } = this
    return { name, code, message, stack }
  }

  static {
    this.prototype.name = 'LeakError'
  }
}
