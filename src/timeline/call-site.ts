import { formatSite, framesOf, linesFromUser } from './frames.ts'
import { captureStack, type Stack } from './stack.ts'

/** Our own frames above a user's are few; what is kept is kept for each client, and for each wait that is bounded. */
const DEPTH = 16

/** The user's line that called us. Noting it takes 2 µs; it is worded only when it is read. */
export class CallSite {
  readonly #stack: Stack

  constructor(stack: Stack) {
    this.#stack = stack
  }

  /** `at test/gateway.test.ts:41:18`, or nothing if no line of the user's called. */
  toString(): string {
    const frame = framesOf(this.#stack).find(({ whose }) => whose === 'user')
    return frame ? `at ${formatSite(frame)}` : ''
  }

  /** Gives `error`, which was made on a timer or at a close, the stack of this call: it begins at the user's line, which runners show. */
  blame<E extends Error>(error: E): E {
    const lines = linesFromUser(this.#stack)
    if (lines.length > 0) error.stack = [`${error.name}: ${error.message}`, ...lines].join('\n')
    return error
  }
}

/** Where `above` was called from; by default, the caller of this. */
export function callSite(above: (...args: never[]) => unknown = callSite): CallSite {
  return new CallSite(captureStack(above, DEPTH))
}

/**
 * Where the method `door` of `owner` was called from. A site that is kept is taken so, above our own frames: V8 keeps the function
 * of each frame, with all that it encloses.
 */
export function siteOf<Owner extends object>(owner: Owner, door: keyof Owner): CallSite {
  return callSite(owner[door] as () => unknown)
}
