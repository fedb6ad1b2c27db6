import { clearTicker, setTicker } from '../../lifetime/timers.ts'
import type { Handler } from '../../model/connection.ts'
import { callback, checkOptions, interval, string } from '../../model/options.ts'
import type { ServerConnection } from '../server-connection.ts'

/** Default of `everyMs`. Milliseconds. */
export const DEFAULT_DRIP_MS = 100

export interface DripOptions {
  /** A line each so many milliseconds, more than 0. Default {@link DEFAULT_DRIP_MS}. */
  readonly everyMs?: number | undefined
  /** The text of the n-th line, without its newline; n counts from 1. Default `packet #n`. */
  readonly line?: ((n: number) => string) | undefined
  /** A line to begin with. Default: none. */
  readonly greeting?: string | undefined
}

/** Sends a line each `everyMs` and drops what comes, until the peer's FIN or quit. A peer that does not read is sent no more until it does. */
export function drip(options: DripOptions = {}): Handler {
  checkOptions(options, { everyMs: interval, line: callback, greeting: string })
  const { everyMs = DEFAULT_DRIP_MS, line = (n: number): string => `packet #${n}`, greeting } = options
  return async (connection) => {
    const reading = (connection as ServerConnection).pump(() => true)
    if (greeting !== undefined) await connection.send(`${greeting}\n`)
    await new Promise<void>((resolve, reject) => {
      let n = 0
      let sending = false
      const stop = (settle: () => void): void => {
        clearTicker(ticker)
        settle()
      }
      const tick = async (): Promise<void> => {
        if (sending) return
        sending = true
        await connection.send(`${line(++n)}\n`)
        sending = false
      }
      const ticker = setTicker(() => {
        tick().catch((error: Error) => stop(() => reject(error)))
      }, everyMs)
      void reading.then(() => stop(resolve))
    })
  }
}
