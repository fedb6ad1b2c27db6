import { nextTurn } from '../lifetime/timers.ts'

let count = 0
let counting = false

/** The number of the event loop's turn; two calls with the same answer were made in the same turn. */
export function currentTurn(): number {
  if (!counting) {
    counting = true
    nextTurn(() => {
      counting = false
      count++
    })
  }
  return count
}
