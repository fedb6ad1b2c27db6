// Captured at import, so that fake timers cannot freeze the fixture.

/** Milliseconds of the monotonic clock. */
export const now: () => number = performance.now.bind(performance)
