/** Where something was called from, as V8 noted it. `stack` is formatted when it is first read: that is the expensive part. */
export interface Stack {
  readonly stack?: string
}

/** Deep enough for the user's line behind a driver, a pool and an ORM; `fetch` alone takes 35 frames to its socket. */
const DEPTH = 64

/** Captured at import: a test may replace it. */
const captureStackTrace = Error.captureStackTrace.bind(Error)

/** The stack above `caller`. Costs about 2 µs; the runner's source maps are applied when it is read. */
export function captureStack(caller: (...args: never[]) => unknown, depth = DEPTH): Stack {
  const limit = Error.stackTraceLimit
  const holder: Stack = {}
  limitTo(depth)
  captureStackTrace(holder, caller)
  limitTo(limit)
  return holder
}

/** Formats the stack now. Until then it keeps alive the `this` and the function of each of its frames. */
export function formatStack(stack: Stack): void {
  Object.defineProperty(stack, 'stack', { value: textOf(stack), writable: true, configurable: true })
}

/** A runner's `prepareStackTrace` may give call sites instead of text, and a broken one may throw. */
function textOf(stack: Stack): string {
  try {
    const formatted: unknown = stack.stack
    if (Array.isArray(formatted)) return formatted.map((site) => `    at ${String(site)}`).join('\n')
    return typeof formatted === 'string' ? formatted : ''
  } catch {
    return ''
  }
}

/** An `Error` that is frozen keeps its own limit. A throw here would end the process: the tracer captures inside a hook of Node's. */
function limitTo(depth: number): void {
  try {
    Error.stackTraceLimit = depth
  } catch {}
}
