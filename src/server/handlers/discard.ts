import type { Handler } from '../../model/connection.ts'
import type { ServerConnection } from '../server-connection.ts'

/** Reads whatever comes and never answers, until the peer's FIN or quit. RFC 863. */
export function discard(): Handler {
  return (connection) => (connection as ServerConnection).pump(() => true)
}
