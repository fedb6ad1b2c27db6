import { formatEndpoint, type Endpoint } from '../model/endpoint.ts'
import { now } from '../timeline/clock.ts'

/** How many ends that have closed are remembered, at least: the server's side of one may outlive it. */
const REMEMBERED = 4096

/**
 * Our ends of the connections that a rig's own parts have opened: its clients', and those of its proxies to their upstream.
 * A connection of a server with such a peer has no foreign client.
 *
 * Bounded: ends that have closed are forgotten, the oldest first. Ends of unix sockets have no name, so they are only counted.
 */
export class OwnEnds {
  readonly #open = new Set<string>()
  /** When each of the others closed: its port may be a foreign client's by now. */
  #closed = new Map<string, number>()
  #closedEarlier = new Map<string, number>()
  readonly #unix = new Map<string, number>()
  #settled = false

  /** One has opened. Returns what to call when it has closed. */
  opened(local: Endpoint, peer: Endpoint): () => void {
    if ('path' in peer) return this.#openedUnix(peer.path)
    const key = formatEndpoint(local)
    this.#open.add(key)
    return () => {
      if (!this.#open.delete(key)) return
      if (this.#closed.size >= REMEMBERED) {
        this.#closedEarlier = this.#closed
        this.#closed = new Map()
      }
      this.#closed.set(key, now())
    }
  }

  /** The rig closes: from here on unix ends count as they stand. */
  settle(): void {
    this.#settled = true
  }

  /** Whether a connection that was accepted at `sinceMs` or later has one of ours as its `peer`. */
  has(peer: Endpoint, sinceMs: number): boolean {
    const key = formatEndpoint(peer)
    const closedAtMs = this.#closed.get(key) ?? this.#closedEarlier.get(key) ?? -Infinity
    return this.#open.has(key) || closedAtMs >= sinceMs
  }

  /** How many of ours were connected to the unix socket at `path` when the rig began to close. */
  countAt(path: string): number {
    return this.#unix.get(path) ?? 0
  }

  #openedUnix(path: string): () => void {
    this.#unix.set(path, this.countAt(path) + 1)
    let open = true
    return () => {
      if (open && !this.#settled) this.#unix.set(path, this.countAt(path) - 1)
      open = false
    }
  }
}
