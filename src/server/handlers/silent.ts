import { onAbort } from '../../lifetime/on-abort.ts'
import type { Handler } from '../../model/connection.ts'

/**
 * Neither reads nor answers until quit: a peer that hangs. What is sent to it piles up in the kernel until sending
 * stalls, and while bytes lie there unread it does not see the other side close, as with a process that hangs.
 */
export function silent(): Handler {
  return async (connection, quit) => {
    let forget = (): void => {}
    const quitting = new Promise<void>((resolve) => {
      forget = onAbort(quit, () => resolve())
    })
    connection.pause()
    await Promise.race([quitting, connection.ended])
    forget()
  }
}
