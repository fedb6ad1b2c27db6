import type { Stage } from '../model/fault.ts'

/** The stage of a fault that has ended its lane: nothing is pushed after that. */
export const ENDED: Stage = { push() {}, flush() {}, dispose() {} }
