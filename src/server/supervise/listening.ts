import { Deadline } from '../../lifetime/deadline.ts'
import { turn } from '../../lifetime/timers.ts'
import { waitFor } from '../../lifetime/wait.ts'
import { NetgraceError } from '../../model/errors.ts'
import { DEFAULT_HOST } from '../server-options.ts'
import type { ForeignServer } from './foreign-server.ts'

/** How long a name may take to be looked up that somebody listens on. */
const LOOKUP_MS = 5000

/**
 * Resolves once a server has come to listen, because its user has told it to, or else on a free port of loopback; or once it
 * was closed instead.
 *
 * @throws {NetgraceError}  `ERR_NETGRACE_LISTEN`: it could not; `cause` is the system's error.
 */
export async function comesToListen(server: ForeignServer): Promise<void> {
  const waiting = waitFor(server, ['listening', 'close'], { rejectionEvents: ['error'] })
  const settled = waiting.happened.catch((cause: NodeJS.ErrnoException) => {
    throw new NetgraceError('ERR_NETGRACE_LISTEN', `the server to supervise could not listen: ${cause.message}`, { cause })
  })
  let over = false
  settled.then(
    () => (over = true),
    () => (over = true),
  )
  try {
    await aboutToListen(() => server.listening || over)
    if (!server.listening && !over) server.listen({ host: DEFAULT_HOST, port: 0 })
    if (!server.listening) await settled
  } finally {
    waiting.cancel()
    settled.catch(() => {}) // it was thrown, or is not waited for any more
  }
}

/**
 * Waits for a `listen` under way. No property tells of one, but with a host it is only a lookup behind, and a lookup of a
 * name shows among the process's resources, one of an address takes a turn.
 */
async function aboutToListen(decided: () => boolean): Promise<void> {
  const patience = new Deadline(LOOKUP_MS)
  do await turn()
  while (!patience.passed && !decided() && process.getActiveResourcesInfo().includes('GetAddrInfoReqWrap'))
  patience.cancel()
}
