import type { WaitOptions } from '../model/client.ts'
import type { Link, LinkRecord } from '../model/link.ts'
import type { StopReport } from '../model/stop-report.ts'
import type { Pattern, Where } from '../model/where.ts'
import type { InjectedFault } from './injection.ts'
import type { TcpFault } from './injections.ts'
import type { SawOptions } from './sightings.ts'

/**
 * Stands between a client and its real server, and has faults on demand.
 *
 * Its owner ends it with `stop()`, `await using`, or by aborting `signal`; a rig does it for its own.
 */
export interface FaultProxy extends AsyncDisposable {
  /** Empty on a unix socket. */
  readonly host: string
  /** 0 on a unix socket. */
  readonly port: number
  /** The path of a unix socket, if it listens there. */
  readonly path: string | undefined
  /**
   * The upstream's URL with our host and port, its password included: what the client is given instead of it. The name `localhost`
   * stays, so that a certificate for it holds; for one that is made out to another name give the client that name as `servername`.
   */
  readonly url: string
  /** Decides all that is random. */
  readonly seed: number
  readonly state: 'listening' | 'down' | 'stopping' | 'stopped'
  /** The live ones. */
  readonly links: ReadonlySet<Link>
  /** All there were, oldest first; of those that are over, the last 1000. */
  readonly history: readonly LinkRecord[]
  /**
   * Puts a fault on. It takes hold within this turn.
   * @throws {TypeError | RangeError} It is no fault for TCP, or `where` is wrong, or has what the fault has no use for.
   * @throws {NetgraceError} `ERR_NETGRACE_STOPPED`: the proxy has been stopped.
   */
  inject(fault: TcpFault, where?: Where): InjectedFault
  /** Takes all faults off. */
  heal(): void
  /** The next link that nobody has asked for yet, oldest first. */
  nextLink(options?: WaitOptions): Promise<Link>
  /**
   * Resolves in the turn in which `count` links are live at once, to all of those; at once if they are now.
   * @param options.withinMs  Default {@link DEFAULT_REACH_WITHIN_MS}.
   * @throws {NetgraceError} `ERR_NETGRACE_TIMEOUT`, with how many there were; `ERR_NETGRACE_STOPPED`: the proxy stopped first.
   */
  linksReach(count: number, options?: WaitOptions): Promise<Link[]>
  /**
   * The link in which `pattern` came by: no more sleeping and hoping. Of what came before the call the last KiB of
   * each lane are looked at; an occurrence answers one call, the oldest that waits for it.
   * @throws {NetgraceError} `ERR_NETGRACE_TIMEOUT`: not within `withinMs`; `ERR_NETGRACE_STOPPED`: the proxy stopped first.
   */
  saw(pattern: Pattern, options?: SawOptions): Promise<Link>
  /** Refuses from now on, on a port that it holds; what becomes of the links is said by `existing`. Default `reset`. */
  down(existing?: 'reset' | 'end' | 'keep'): Promise<void>
  /** Listens again. */
  up(): Promise<void>
  /** Down, and up again. */
  restart(options?: { readonly downMs?: number | undefined }): Promise<void>
  /**
   * Stops: everybody who is connected sees a clean end, if he says goodbye within the grace. A later call gives the
   * same promise, and can only bring the deadline forward.
   * @throws {FaultUnusedError} `ERR_NETGRACE_FAULT_UNUSED`, once all is down: a fault never triggered.
   * @throws {NetgraceError} `ERR_NETGRACE_UPSTREAM`, once all is down: no dial ever succeeded, and nothing allowed that.
   */
  stop(options?: { readonly graceMs?: number | undefined }): Promise<StopReport>
  /** With the seed. */
  toString(): string
}
