import type { Socket } from 'node:net'

import { clearTicker, setTicker } from '../lifetime/timers.ts'
import type { Data } from '../model/client.ts'
import { checkOptions, interval } from '../model/options.ts'

/** Sends `data` a byte at a time, until it is out, the socket can take no more, or it is disposed. */
export function drip(
  to: { send(data: Data): Promise<void> },
  socket: Socket,
  data: Data,
  options: { readonly everyMs: number },
): Disposable {
  checkOptions(options, { everyMs: interval })
  interval('everyMs', options.everyMs)
  const bytes = Buffer.from(data)
  let sent = 0
  const stop = (): void => {
    clearTicker(ticker)
    socket.off('close', stop)
  }
  const ticker = setTicker(() => {
    if (sent < bytes.length && socket.writable) to.send(bytes.subarray(sent, ++sent)).catch(stop)
    if (sent === bytes.length || !socket.writable) stop()
  }, options.everyMs)
  socket.once('close', stop)
  return { [Symbol.dispose]: stop }
}
