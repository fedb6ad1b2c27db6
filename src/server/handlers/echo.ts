import type { Handler } from '../../model/connection.ts'
import type { ServerConnection } from '../server-connection.ts'

/** Sends back whatever comes, until the peer's FIN or quit; what had arrived by then is still sent back. RFC 862. */
export function echo(): Handler {
  return (connection) => {
    const wire = connection as ServerConnection
    return wire.pump((chunk) => wire.write(chunk)).then(() => wire.flushed()) // a slow reader gets its last bytes
  }
}
