import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

import { messageOf } from '../lifetime/throw-all.ts'
import { waitFor } from '../lifetime/wait.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { NetgraceError } from '../model/errors.ts'

/**
 * Holds a port so that it refuses: nobody is given it by chance, and who dials it is refused.
 *
 * A client socket that has the port and is connected to a listener of ours does that; a port that is merely free can be
 * taken, or connect to itself. A port that the kernel chose for that socket is in use for every listener. One that we
 * name is kept from all but a listener that names it too, because libuv binds with SO_REUSEADDR (test/platform/ports.test.ts).
 * Nothing of it keeps the process alive.
 */
export class HeldPort {
  readonly #anchor: Server = createServer()
  readonly #ready: Promise<void>
  #holder: Socket | undefined
  #accepted: Socket | undefined

  /** Makes the means to hold a port of `host`: they have to be there before the port is let go of, so that no gap opens. */
  constructor(host: string) {
    this.#anchor.on('connection', (socket: Socket) => {
      this.#accepted = socket.unref().on('error', () => {})
    })
    this.#ready = waitFor(this.#anchor, ['listening'], { rejectionEvents: ['error', 'close'] }).happened
    this.#ready.catch(() => {}) // told by hold()
    this.#anchor.listen({ host, port: 0 }).unref()
  }

  /** Resolves when {@link hold} can be called; nothing rejects here. */
  ready(): Promise<void> {
    return this.#ready.catch(() => {})
  }

  /**
   * Takes the port, in this very turn once {@link ready}, or one of the kernel's choice; resolves, when it is held, to where.
   * @throws {NetgraceError} `ERR_NETGRACE_LISTEN`: it cannot be held; `cause` is the system's error.
   */
  async hold(at: { readonly host: string; readonly port?: number }): Promise<{ readonly host: string; readonly port: number }> {
    try {
      return await this.#take(at)
    } catch (cause) {
      const where = at.port === undefined ? `a port of ${at.host}` : formatEndpoint({ host: at.host, port: at.port })
      throw new NetgraceError('ERR_NETGRACE_LISTEN', `could not hold ${where}: ${messageOf(cause)}`, { cause })
    }
  }

  async #take({
    host,
    port,
  }: {
    readonly host: string
    readonly port?: number
  }): Promise<{ readonly host: string; readonly port: number }> {
    if (!this.#anchor.listening) await this.#ready
    const anchor = this.#anchor.address() as AddressInfo
    const holder = connect({ host, port: anchor.port, ...(port !== undefined && { localAddress: host, localPort: port }) })
    this.#holder = holder
    await waitFor(holder, ['connect'], { rejectionEvents: ['error', 'close'] }).happened
    holder.on('error', () => {}).unref()
    return { host, port: holder.localPort! }
  }

  /** Lets go of the port: from this call on it can be listened on. Resolves when all of it is gone. */
  async release(): Promise<void> {
    const handles = [this.#holder, this.#accepted, this.#anchor].filter((handle) => handle !== undefined)
    const closing = handles.map(closed)
    this.#holder?.resetAndDestroy()
    this.#accepted?.destroy()
    this.#anchor.close()
    await Promise.all(closing)
  }
}

async function closed(handle: Socket | Server): Promise<void> {
  if ('listening' in handle ? !handle.listening : handle.closed) return
  await waitFor(handle, ['close']).happened
}
