import { discard } from './discard.ts'
import { drip } from './drip.ts'
import { echo } from './echo.ts'
import { script } from './script.ts'
import { silent } from './silent.ts'

/** The handlers of the trade. Each call gives a handler for any number of connections. */
export const handlers: {
  readonly echo: typeof echo
  readonly discard: typeof discard
  readonly silent: typeof silent
  readonly drip: typeof drip
  readonly script: typeof script
} = { echo, discard, silent, drip, script }
