import type { Handler } from '../../model/connection.ts'
import type { ServerConnection } from '../server-connection.ts'

/**
 * Neither reads nor answers until quit: a peer that hangs. What is sent to it piles up in the kernel until sending
 * stalls, and while bytes lie there unread it does not see the other side close, as with a process that hangs.
 */
export function silent(): Handler {
  return (connection) => {
    connection.pause()
    return (connection as ServerConnection).untilOver()
  }
}
