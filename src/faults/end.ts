import type { Fault } from '../model/fault.ts'
import { ENDED } from './ended.ts'
import { makeFault } from './make-fault.ts'

/** FIN to both sides, behind what has been passed on. */
export function end(): Fault {
  return makeFault('end', {}, (lane) => {
    lane.finish()
    return ENDED
  })
}
