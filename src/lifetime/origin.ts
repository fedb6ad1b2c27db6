/** Who asked for what is opened: kept by the leak tracer, while it is on. */
export interface Askers {
  /** Runs `act`, and remembers for all that it opens, however late, which line asked for it. */
  here<T>(act: () => T): T
  /** On whose behalf the running code acts. */
  current(): object | undefined
  /** Runs `act` on behalf of another; `undefined`: of none that is watched. */
  as<T>(asker: object | undefined, act: () => T): T
}

let askers: Askers | undefined

/**
 * For the doors, as the first thing they do: `return askedFor(() => open(…))`.
 *
 * A part opens sockets behind an `await`, in an accept callback or on a timer, where no stack leads back to the user's
 * line. While no leak check is under way this costs a function call.
 */
export function askedFor<T>(act: () => T): T {
  return askers ? askers.here(act) : act()
}

/**
 * For a part that opens something in a later call, which is its own all the same: whatever code makes that call, it belongs
 * to the code that opened the part.
 */
export class Origin {
  readonly #asker = askers?.current()

  run<T>(act: () => T): T {
    return askers ? askers.as(this.#asker, act) : act()
  }
}

/** For the leak tracer alone, which is off until asked for. */
export function rememberAskers(how: Askers | undefined): void {
  askers = how
}
