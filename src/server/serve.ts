import { asError } from '../lifetime/throw-all.ts'
import type { Handler } from '../model/connection.ts'
import { isNothingButHalfClosed, isOwnEnd } from './own-end.ts'
import type { ServerConnection } from './server-connection.ts'

/** Whoever waits for handlers. */
export interface Serving {
  readonly quitSignal: AbortSignal
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
    connection.handlerSettled()
    serving.handlerDone(connection)
  }
  const rejected = (thrown: unknown): void => {
    const error = asError(thrown)
    if (connection.closedByServer && isNothingButHalfClosed(error)) return settled()
    const ownEnd = isOwnEnd(error, connection, serving.quitSignal)
    connection.handlerRejected(error)
    serving.handlerDone(connection, ownEnd ? undefined : error)
  }
  let result: unknown
  try {
    result = handler(connection, serving.quitSignal)
  } catch (thrown) {
    return rejected(thrown)
  }
  if (isThenable(result)) {
    result.then(settled, rejected)
  } else {
    connection.leftToSocket()
    serving.handlerDone(connection)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}
