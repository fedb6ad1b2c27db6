import type { Ending } from '../model/ending.ts'
import type { ServerConnection } from './server-connection.ts'

/**
 * Whether what a handler threw says only that its own connection has ended, or that the server quits: a handler that lets that
 * through has not failed, however many of its sends were under way, and whatever it is wrapped in.
 */
export function isOwnEnd(thrown: Error, connection: ServerConnection, quit: AbortSignal): boolean {
  return saysOnly(thrown, (error) => {
    if (isHalfClosed(error)) return connection.closedByServer
    const ending = endingOf(error)
    if (ending) return connection.isEndOf(ending)
    if (quit.aborted && (error === quit.reason || (error.name === 'AbortError' && error.cause === undefined))) return true
    return connection.socket.destroyed && (error === connection.socket.errored || AFTER_THE_END.has(codeOf(error)))
  })
}

/** Whether it says only that nothing can be sent any more. */
export function isNothingButHalfClosed(thrown: Error): boolean {
  return saysOnly(thrown, isHalfClosed)
}

/** What Node says of a stream that was destroyed while it was used, or before. */
const AFTER_THE_END: ReadonlySet<unknown> = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'])

/** {@link everyPartSays}, unless a getter of the error throws: then it says something of its own. */
function saysOnly(thrown: unknown, says: (error: Error) => boolean): boolean {
  try {
    return everyPartSays(thrown, says, [])
  } catch {
    return false
  }
}

/** What holds several errors says something if each of them does; an error that says something else may have it as its cause. */
function everyPartSays(thrown: unknown, says: (error: Error) => boolean, within: readonly unknown[]): boolean {
  if (typeof thrown !== 'object' || thrown === null || within.includes(thrown)) return false
  const error = thrown as Error
  const further = [...within, error]
  const parts = partsOf(error)
  if (parts) return parts.length > 0 && parts.every((part) => everyPartSays(part, says, further))
  return says(error) || (!endingOf(error) && everyPartSays(error.cause, says, further))
}

/** The errors within an `AggregateError` or a `SuppressedError`, of whichever realm. */
function partsOf(error: Error): readonly unknown[] | undefined {
  const { errors, error: thrown, suppressed } = error as { errors?: unknown; error?: unknown; suppressed?: unknown }
  if (Array.isArray(errors)) return errors
  return error.name === 'SuppressedError' ? [thrown, suppressed] : undefined
}

/** The ending that a `ConnectionEndedError` tells; one of another connection is a failure, whatever its cause. */
function endingOf(error: Error): Ending | undefined {
  return codeOf(error) === 'ERR_NETGRACE_CONNECTION_ENDED' ? (error as { ending?: Ending }).ending : undefined
}

function isHalfClosed(error: Error): boolean {
  return codeOf(error) === 'ERR_NETGRACE_HALF_CLOSED'
}

function codeOf(error: Error): unknown {
  return (error as { code?: unknown }).code
}
