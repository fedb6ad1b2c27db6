import { clearTimer, setTimer } from '../lifetime/timers.ts'
import { checkOptions, duration, oneOf, type Rule } from '../model/options.ts'
import { wrongType } from '../model/invalid.ts'
import type { ServerConnection } from './server-connection.ts'

/**
 * How a server ends each connection by itself, `afterMs` after it was accepted (default 0). `stop()` overrides all four.
 *
 * - `graceful`: reading ends as at quit; FIN, and then it discards until the peer's FIN.
 * - `half`: FIN, and the handler goes on reading.
 * - `immediate`: RST. A unix socket has none: it is dropped.
 * - `never`: the peer's FIN is not answered, and neither is the end of the handler: a half-open peer.
 */
export interface Closing {
  readonly how: 'graceful' | 'immediate' | 'half' | 'never'
  readonly afterMs?: number
}

export const closingRule: Rule = (name, value) => {
  checkOptions(value as Closing, { how: oneOf('graceful', 'immediate', 'half', 'never'), afterMs: duration }, name)
  if ((value as Closing).how === undefined) throw wrongType(`${name}.how`, 'one of graceful, immediate, half, never', undefined)
}

/** Arms the closing of one connection. */
export function arrange(connection: ServerConnection, { how, afterMs = 0 }: Closing, graceMs: number): void {
  if (how === 'never') return
  const act = (): void => {
    if (how === 'immediate') void connection.reset()
    else if (how === 'graceful') connection.retire(graceMs)
    else {
      connection.closedByServer = true
      connection.halfClose()
    }
  }
  if (afterMs === 0) return act()
  const timer = setTimer(act, afterMs)
  connection.socket.once('close', () => clearTimer(timer))
}
