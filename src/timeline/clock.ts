import { performance } from 'node:perf_hooks'

// The method of the prototype, on Node's own object: fake timers replace the global `performance`, or put a `now` of
// their own on that object, and may have done so before this module is loaded.
const { now: read } = Object.getPrototypeOf(performance) as { readonly now: (this: object) => number }

/** Milliseconds of the monotonic clock. */
export const now: () => number = read.bind(performance)

const { timeOrigin } = performance

/** Milliseconds since 1970, by the real clock where `Date` is faked. */
export function wallClock(): number {
  return timeOrigin + now()
}
