import { Peer } from './peer.mjs'

/** Fewer than a listener's backlog holds: a client whose SYN is dropped comes back a second later. */
const AT_ONCE = 250

/** Clients that connect and stay, in a process of their own. */
export class Crowd {
  #clients = new Peer('idle-clients')

  /** Opens `count` connections to `server`, a part that answers `accepted(n)` once it has accepted so many more. */
  async connect(server, port, count, message) {
    for (let left = count; left > 0; left -= AT_ONCE) {
      const now = Math.min(left, AT_ONCE)
      await Promise.all([server.call('accepted', now), this.#clients.call('open', port, now, message)])
    }
  }

  close() {
    return this.#clients.call('close')
  }

  end() {
    return this.#clients.end()
  }
}
