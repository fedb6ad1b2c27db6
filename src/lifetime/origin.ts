/** Runs `act`, and remembers for all that it opens, however late, which line asked for it. */
export type Remember = <T>(act: () => T) => T

let remember: Remember | undefined

/**
 * For the doors, as the first thing they do: `return askedFor(() => open(…))`.
 *
 * A part opens sockets behind an `await`, in an accept callback or on a timer, where no stack leads back to the user's
 * line. While no leak check is under way this costs a function call.
 */
export function askedFor<T>(act: () => T): T {
  return remember ? remember(act) : act()
}

/** For the leak tracer alone, which is off until asked for. */
export function rememberAskers(how: Remember | undefined): void {
  remember = how
}
