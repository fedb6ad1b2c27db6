import type { Fault, LaneContext, Stage } from '../model/fault.ts'

/** A fault with a name and its options, which identify it. */
export function makeFault(
  name: string,
  options: object,
  stage: (lane: LaneContext) => Stage,
  more: Pick<Fault, 'inFlightBytes' | 'apart'> = {},
): Fault {
  const fault = (lane: LaneContext): Stage => stage(lane)
  Object.defineProperty(fault, 'name', { value: name })
  return Object.assign(fault, { options: { ...options }, ...more })
}
