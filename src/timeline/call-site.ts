import { formatSite, framesOf } from './frames.ts'
import type { Detail } from './track.ts'
import { captureStack } from './stack.ts'

/** Our own frames above a user's are few, and what is kept is kept for each client. */
const DEPTH = 12

/**
 * The user's line that called us, for the record: ` at test/gateway.test.ts:41:18`, or nothing if nobody of theirs did.
 * Noting it takes 2 µs; it is worded only if a story is told.
 */
export function callSite(): Detail {
  const stack = captureStack(callSite, DEPTH)
  return {
    toString: () => {
      const frame = framesOf(stack).find(({ whose }) => whose === 'user')
      return frame ? `at ${formatSite(frame)}` : ''
    },
  }
}
