import { debuglog } from 'node:util'

import { now } from './clock.ts'

const log = debuglog('netgrace')

/** Prints what happens as it happens, if `NODE_DEBUG` names netgrace; otherwise there is nothing to call. */
export const debugPrint: ((name: string, what: string, detail?: string) => void) | undefined = log.enabled
  ? (name, what, detail) => log('%s %s: %s%s', now().toFixed(1).padStart(9), name, what, detail ? ` ${detail}` : '')
  : undefined
