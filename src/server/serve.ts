import { asError } from '../lifetime/throw-all.ts'
import type { Handler } from '../model/connection.ts'
import { ConnectionEndedError } from '../model/errors.ts'
import type { ServerConnection } from './server-connection.ts'

/** Whoever waits for handlers. */
export interface Serving {
  readonly quitSignal: AbortSignal
  /** How long a connection may take to close once its handler is done. Milliseconds. */
  readonly graceMs: number
  /** The handler has settled; `error` is what it threw, unless that only says that its own connection ended. */
  handlerDone(connection: ServerConnection, error?: Error): void
}

/**
 * Gives a connection to its handler.
 *
 * A promise owns the connection until it settles: fulfilled, the server half-closes and waits for the peer's FIN;
 * rejected, it resets. Anything else leaves the connection to its socket, which then answers a FIN as Node does.
 */
export function serve(connection: ServerConnection, handler: Handler, serving: Serving): void {
  const settled = (): void => {
    connection.handlerDone('settled')
    if (connection.unanswering) connection.discard()
    else void connection.finishWithin(serving.graceMs)
    serving.handlerDone(connection)
  }
  const rejected = (thrown: unknown): void => {
    const error = asError(thrown)
    if (connection.closedByServer && isHalfClosed(error)) return settled()
    connection.handlerDone('rejected', error)
    const ownEnd = isOwnEnd(error, connection, serving.quitSignal)
    void connection.reset()
    serving.handlerDone(connection, ownEnd ? undefined : error)
  }
  let result: unknown
  try {
    result = handler(connection, serving.quitSignal)
  } catch (thrown) {
    return rejected(thrown)
  }
  if (isThenable(result)) {
    connection.owned = true
    result.then(settled, rejected)
  } else {
    connection.socket.allowHalfOpen = connection.unanswering
    connection.handlerDone('settled')
    serving.handlerDone(connection)
  }
}

/** A handler that was told of its connection's end, or of quit, and let that through has not failed. */
function isOwnEnd(error: Error, connection: ServerConnection, quit: AbortSignal): boolean {
  if (error instanceof ConnectionEndedError) return connection.isEndOf(error.ending)
  if (
    quit.aborted &&
    (error === quit.reason || (error.name === 'AbortError' && (error.cause === undefined || error.cause === quit.reason)))
  )
    return true
  return (
    connection.socket.destroyed &&
    (error === connection.socket.errored || (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE')
  )
}

function isHalfClosed(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_NETGRACE_HALF_CLOSED'
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}
