/** Runs `act`, and remembers for all that it opens, however late, which line of the user's asked for it. */
export type Remember = <T>(act: () => T, door: (...args: never[]) => unknown) => T

let remember: Remember | undefined

/**
 * For the doors: `return askedFor(() => open(…), connect)`. `door` is the function that the user called.
 *
 * A part opens sockets behind an `await`, in an accept callback or on a timer, where no stack leads back to the user.
 * Costs a function call while no leak check is under way.
 */
export function askedFor<T>(act: () => T, door: (...args: never[]) => unknown): T {
  return remember ? remember(act, door) : act()
}

/** For the leak tracer alone, which is off until asked for. */
export function rememberAskers(how: Remember | undefined): void {
  remember = how
}
