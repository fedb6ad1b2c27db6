import type { Fault } from '../model/fault.ts'
import { RST } from '../model/item.ts'
import { ENDED } from './ended.ts'
import { makeFault } from './make-fault.ts'

/**
 * RST to both sides, at once, on live links too; behind what has been passed on.
 *
 * A peer that reads gets all of that. One that is slow to read does not: TCP drops what its kernel had no room for.
 */
export function reset(): Fault {
  return makeFault('reset', {}, (lane) => {
    lane.emit(RST)
    return ENDED
  })
}
