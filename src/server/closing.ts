import { checkOptions, duration, oneOf, type Rule } from '../model/options.ts'
import { wrongType } from '../model/invalid.ts'

/**
 * How a server ends each connection by itself, `afterMs` after it was accepted (default 0). `stop()` overrides all four:
 * one that has not acted by then does not.
 *
 * - `graceful`: reading ends as at quit; FIN, and then it discards until the peer's FIN.
 * - `half`: FIN, and the handler goes on reading.
 * - `immediate`: RST. A unix socket has none: it is dropped.
 * - `never`: the peer's FIN is not answered, and neither is the end of the handler: a half-open peer.
 */
export interface Closing {
  readonly how: 'graceful' | 'immediate' | 'half' | 'never'
  readonly afterMs?: number | undefined
}

export const closingRule: Rule = (name, value) => {
  checkOptions(value as Closing, { how: oneOf('graceful', 'immediate', 'half', 'never'), afterMs: duration }, name)
  if ((value as Closing).how === undefined) throw wrongType(`${name}.how`, 'one of graceful, immediate, half, never', undefined)
}
