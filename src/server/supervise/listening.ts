import { Deadline } from '../../lifetime/deadline.ts'
import { turn } from '../../lifetime/timers.ts'
import { waitFor } from '../../lifetime/wait.ts'
import { NetgraceError } from '../../model/errors.ts'
import { DEFAULT_HOST } from '../server-options.ts'
import type { ForeignServer } from './foreign-server.ts'

/** How long a `listen` of the user's may take that is under way: a name is looked up, or a cluster's primary is asked. Milliseconds. */
const UNDER_WAY_MS = 2000

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
    const decided = (): boolean => server.listening || over
    const patience = new Deadline(UNDER_WAY_MS)
    await lookedUp(decided, patience)
    if (!decided() && server.listenerCount('listening') > 1 && (await inClusterWorker())) await patience.beats(settled)
    patience.cancel()
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
async function lookedUp(decided: () => boolean, patience: Deadline): Promise<void> {
  do await turn()
  while (!patience.passed && !decided() && process.getActiveResourcesInfo().includes('GetAddrInfoReqWrap'))
}

/** There a `listen` asks the primary for the listener, and shows by a listener of its own for `listening` until that has answered. */
async function inClusterWorker(): Promise<boolean> {
  if (!process.connected) return false // a worker has a channel, and most processes need not load the module
  const { default: cluster } = await import('node:cluster')
  return cluster.isWorker
}
