import { NetgraceError } from '../model/errors.ts'
import type { Leak } from '../model/leak.ts'
import { reportLeaks } from './report.ts'

/**
 * Handles were left open; `leaks` has them. Code `ERR_NETGRACE_LEAK`.
 *
 * Its stack begins with the line that opened the first of them, so that a runner shows the code there.
 */
export class LeakError extends NetgraceError {
  readonly leaks: readonly Leak[]

  /** @param after  What had ended, and how long ago. */
  constructor(leaks: readonly Leak[], after: string, hint: string) {
    super('ERR_NETGRACE_LEAK', reportLeaks(leaks, after, hint))
    this.leaks = leaks
    const opened = leaks.find(({ site }) => site)?.stack
    const own = this.stack?.slice(this.stack.indexOf('\n    at ') + 1)
    if (opened) this.stack = [`${this.name}: ${this.message}`, ...opened.split('\n').map((frame) => `    ${frame}`), own].join('\n')
  }

  static {
    this.prototype.name = 'LeakError'
  }
}
