import type { WaitOptions } from '../model/client.ts'
import type { Connection } from '../model/connection.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { StopReport } from '../model/stop-report.ts'
import type { StopOptions } from './server-options.ts'

export type ServerState = 'starting' | 'listening' | 'quitting' | 'draining' | 'forcing' | 'stopped'

/**
 * A server that always stops: within its grace, with every connection accounted for.
 *
 * Its owner ends it with `stop()`, `await using`, or by aborting `signal`; a rig does it for its own.
 */
export interface GracefulServer extends AsyncDisposable {
  /** Empty on a unix socket. */
  readonly host: string
  /** 0 on a unix socket. */
  readonly port: number
  /** The path of a unix socket, if it listens there. */
  readonly path: string | undefined
  /** `tcp://HOST:PORT`, `tls://HOST:PORT` or `unix:PATH` */
  readonly url: string
  readonly state: ServerState
  /** Aborts when this run is told to stop: no new work. */
  readonly quit: AbortSignal
  /** The live ones: each until its socket has closed *and* its handler has settled. Empty once stopped. */
  readonly connections: ReadonlySet<Connection>
  /**
   * The server's end of that client: connecting is done before the accept is. It gets it whatever else was asked, and as often as
   * it asks; the last 64 that have ended can be asked for too.
   * @throws {TypeError} `client` has no local endpoint.
   * @throws {NetgraceError} `ERR_NETGRACE_TIMEOUT`: it did not come within 2 s; `ERR_NETGRACE_STOPPED`: the server stopped first;
   *   `ERR_NETGRACE_UNKNOWN_CONNECTION`, at once: it has ended and is forgotten, or the client came over a unix socket, where its
   *   end has no name.
   */
  connectionOf(client: { readonly local: Endpoint }): Promise<Connection>
  /**
   * The next connection that nothing had asked for before, oldest first: somebody else's client. The last 64 that have ended count too.
   * @throws {NetgraceError} `ERR_NETGRACE_TIMEOUT`: none came within `withinMs`; `ERR_NETGRACE_STOPPED`: the server stopped first.
   */
  nextConnection(options?: WaitOptions): Promise<Connection>
  /**
   * The live connections, oldest first, once `count` of them are live at once; at once if they are now. Every connection in
   * {@link connections} counts: from its accept (with TLS: from the end of its handshake) until its socket has closed *and* its
   * handler has settled, whoever its client is. One that ends before the others come does not. It takes none from {@link nextConnection}.
   * @param count  An integer ≥ 1.
   * @param options.withinMs  Default {@link DEFAULT_REACH_WITHIN_MS}.
   * @throws {NetgraceError} `ERR_NETGRACE_TIMEOUT`: too few came within `withinMs`, the message says how many; `ERR_NETGRACE_STOPPED`: the server stopped first.
   */
  connectionsReach(count: number, options?: WaitOptions): Promise<Connection[]>
  /**
   * Stops: quit, then the backlog, the listener, the draining, the forcing, the report. Never rejects, and takes the
   * grace and half a second at most. A later call gives the same promise, and can only bring the deadline forward; it also says anew
   * whether the port is held, which a server that has stopped already then does before the promise resolves. It overrules a start
   * that has not come to listen: the last word wins.
   */
  stop(options?: StopOptions): Promise<StopReport>
  /**
   * Listens again, on the same address, with counts from 0: what a client that reconnects needs. Waits for a stop under way.
   * The last word wins: after `start()`, `stop()`, `start()` it listens, and only the first start rejects.
   * @throws {NetgraceError} `ERR_NETGRACE_LISTEN`: the port is gone; `ERR_NETGRACE_STOPPED`: `signal` has aborted, or it was stopped meanwhile.
   */
  start(): Promise<void>
}
