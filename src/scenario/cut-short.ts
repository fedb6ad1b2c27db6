import { messageOf } from '../lifetime/throw-all.ts'
import { describeEnding } from '../model/describe-ending.ts'
import type { Ending } from '../model/ending.ts'
import { ConnectionEndedError, NetgraceError } from '../model/errors.ts'

/** The scenario was told to stop. */
export function stopped(how: string, reason: Error): NetgraceError {
  return new NetgraceError('ERR_NETGRACE_STOPPED', `stopped ${how}: ${messageOf(reason)}`, { cause: reason })
}

export function endedWhile(doing: string, ending: Ending): ConnectionEndedError {
  return new ConnectionEndedError(`the connection ended while ${doing}: ${describeEnding(ending)}`, ending)
}
