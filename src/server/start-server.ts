import { askedFor } from '../lifetime/origin.ts'
import type { Handler } from '../model/connection.ts'
import { NetgraceError } from '../model/errors.ts'
import { callback } from '../model/options.ts'
import { Timeline } from '../timeline/timeline.ts'
import type { GracefulServer } from './graceful-server.ts'
import { NetServer, type ServerSetup } from './net-server.ts'
import { handlers } from './handlers/handlers.ts'
import { checkServerOptions, type ServerOptions } from './server-options.ts'

/**
 * Starts a server on a free loopback port and resolves once it is listening.
 *
 * The caller ends it with `stop()`, `await using`, or by aborting `signal`.
 *
 * @param handler  Serves each connection; see {@link Handler} for who owns it how long.
 * @param options.host  Where to listen. Default {@link DEFAULT_HOST}: nothing listens beyond loopback unless asked.
 * @param options.port  0 to 65535. Default 0: the kernel chooses, and the server holds it.
 * @param options.path  A unix socket instead of host and port.
 * @param options.tls  TLS, with what `tls.createServer` takes.
 * @param options.closing  How the server ends each connection by itself.
 * @param options.graceMs  How long `stop()` lets connections finish. Milliseconds, ≥ 0. Default {@link DEFAULT_GRACE_MS}.
 * @param options.signal  Aborting it is `stop()`.
 * @throws {TypeError | RangeError}  An option is wrong. Nothing has been opened.
 * @throws {NetgraceError}  `ERR_NETGRACE_LISTEN`: the address could not be bound, `cause` is the system's error;
 *   `ERR_NETGRACE_STOPPED`: `signal` had aborted, or aborted meanwhile. Nothing is left open.
 * @see Graceful Shutdown of Go net.Listeners (2013)
 */
export async function startServer(handler: Handler, options: ServerOptions = {}): Promise<GracefulServer> {
  return askedFor(() => openServer(handler, options, { timeline: new Timeline() }))
}

/**
 * Starts an echo server on a free loopback port and resolves once it is listening: {@link startServer} with `handlers.echo()`.
 *
 * The caller ends it with `stop()`, `await using`, or by aborting `signal`.
 *
 * @see RFC 862
 */
export async function startEchoServer(options: ServerOptions = {}): Promise<GracefulServer> {
  return askedFor(() => startServer(handlers.echo(), options))
}

/** As {@link startServer}, for whoever has a timeline. */
export async function openServer(handler: Handler, options: ServerOptions, setup: ServerSetup): Promise<NetServer> {
  callback('handler', handler)
  checkServerOptions(options)
  if (options.signal?.aborted) {
    throw new NetgraceError('ERR_NETGRACE_STOPPED', 'cannot start a server: signal had aborted already', { cause: options.signal.reason })
  }
  const server = new NetServer(handler, options, setup)
  await server.start()
  return server
}
