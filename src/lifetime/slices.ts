import { turn } from './timers.ts'

/** How many connections one turn of the event loop may close: thousands in one go hold it for 100 to 850 ms. */
export const SLICE = 64

/** Does `act` to each, a slice a turn, until `until` says that it is too late for the rest. */
export async function inSlices<T>(all: Iterable<T>, act: (one: T) => void, until: () => boolean = () => false): Promise<void> {
  const now = [...all] // what `act` ends leaves the set
  let inThisTurn = 0
  for (const one of now) {
    if (inThisTurn === SLICE) {
      await turn()
      inThisTurn = 0
    }
    if (until()) return
    act(one)
    inThisTurn++
  }
}
