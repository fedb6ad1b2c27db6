import { checkConnectOptions, DEFAULT_CONNECT_TIMEOUT_MS, type ConnectOptions } from '../client/connect-options.ts'
import { endpointToDial } from '../client/endpoint-to-dial.ts'
import { onAbort } from '../lifetime/on-abort.ts'
import { clone } from '../lifetime/realm.ts'
import { askedFor } from '../lifetime/origin.ts'
import { asError, messageOf } from '../lifetime/throw-all.ts'
import { formatEndpoint, type Address, type Endpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'
import { wrongType } from '../model/invalid.ts'
import { LONGEST_MS, oneOf } from '../model/options.ts'
import { DEFAULT_CLOSE_TIMEOUT_MS } from '../wire/wire.ts'
import { entryFile } from './home.ts'
import { startHost, type Where } from './host.ts'
import { PATIENCE_MS, Peer } from './peer.ts'
import { HostedClient } from './hosted-client.ts'
import type { SpawnedClient, SpawnedProcessClient } from './spawned-client.ts'

/** How long a thread or a process may take to start; connecting has a bound of its own. Milliseconds. */
const START_MS = 3500

export interface SpawnOptions extends ConnectOptions {
  readonly in: Where
}

/**
 * Opens a connection from a thread or a process of its own, and resolves once it stands.
 *
 * The caller ends it with `close()`, `reset()`, `await using`, by aborting `signal`, or, a process, with `kill()`.
 *
 * @param options.in  `'thread'`: another event loop. `'process'`: one that can be killed and frozen, too.
 * @throws {TypeError | RangeError}  An option or the address is wrong, or cannot be handed to another thread. Nothing has been opened.
 * @throws {ConnectError}  `ERR_NETGRACE_CONNECT`: it did not come to a connection; `ending` says how. Nothing is left running.
 * @throws {NetgraceError}  `ERR_NETGRACE_SPAWN`: the thread or process did not start within {@link START_MS}, or ended first.
 */
export function spawnClient(to: Address, options: SpawnOptions & { readonly in: 'process' }): Promise<SpawnedProcessClient>
export function spawnClient(to: Address, options: SpawnOptions): Promise<SpawnedClient>
export async function spawnClient(to: Address, options: SpawnOptions): Promise<SpawnedClient> {
  return askedFor(() => openSpawned(endpointToDial(to, options), options))
}

/** As {@link spawnClient}, for a rig. When `cancel` aborts, what does not stand yet is killed. */
export async function openSpawned(to: Endpoint, options: SpawnOptions, cancel?: AbortSignal): Promise<HostedClient> {
  if (typeof options !== 'object' || options === null) throw wrongType('options', "an object with in: 'thread' or 'process'", options)
  const { in: where, signal, ...connect } = options
  oneOf('thread', 'process')('in', where)
  checkConnectOptions({ ...connect, ...(signal && { signal }) })
  if (signal?.aborted)
    throw new NetgraceError('ERR_NETGRACE_STOPPED', `spawn a client to ${formatEndpoint(to)}: signal had aborted already`, {
      cause: signal.reason,
    })
  handedOver(connect)

  const host = startHost(where, entryFile('spawn/client-entry'))
  let client: HostedClient | undefined
  let early: unknown // its connection may have ended before we know that it stood
  const calls = new Peer(host, (_, value) => {
    if (client) client.hear(value as never)
    else early = value
  })
  const gone = host.exited.then(({ code, signal: by }) => {
    const how = host.crash()?.message ?? (by ? `it was killed by ${by}` : `it exited with code ${code}`)
    const error = new NetgraceError(
      'ERR_NETGRACE_SPAWN',
      `the ${where} for a client to ${formatEndpoint(to)} did not get to connect: ${how}`,
      { cause: host.crash() },
    )
    if (!client) calls.settle(({ reject }) => reject(error))
  })
  const forgetCancel = cancel && onAbort(cancel, (reason) => calls.settle(({ reject }) => reject(reason)))
  try {
    const { connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, closeTimeoutMs = DEFAULT_CLOSE_TIMEOUT_MS } = connect
    const forget = signal && onAbort(signal, (reason) => calls.tell('abort', messageOf(reason)))
    await started(calls, where, to)
    const ends = await calls.call('open', [to, connect], { withinMs: Math.min(connectTimeoutMs + PATIENCE_MS, LONGEST_MS) })
    forget?.()
    client = new HostedClient(host, calls, ends as never, closeTimeoutMs)
    if (early) client.hear(early as never)
  } catch (error) {
    host.kill('SIGKILL')
    await gone
    throw error
  } finally {
    forgetCancel?.()
  }
  const opened = client
  const forget = signal && onAbort(signal, (reason) => opened.abort(asError(reason)))
  void opened.ended.then(() => forget?.())
  return opened
}

async function started(calls: Peer, where: Where, to: Endpoint): Promise<void> {
  try {
    await calls.call('started', [], { withinMs: START_MS })
  } catch (error) {
    if (!(error instanceof NetgraceError) || error.code !== 'ERR_NETGRACE_TIMEOUT') throw error
    const message = `the ${where} for a client to ${formatEndpoint(to)} had not started after ${START_MS} ms, and was killed`
    throw new NetgraceError('ERR_NETGRACE_SPAWN', message, { cause: error })
  }
}

/** A function cannot go to another thread, and `tls` may hold some. */
function handedOver(options: object): void {
  try {
    clone(options)
  } catch (error) {
    throw wrongType('options', `options that can be handed to another thread (${(error as Error).message})`, options)
  }
}
