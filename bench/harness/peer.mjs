import { fork } from 'node:child_process'
import { once } from 'node:events'

import { settings } from './settings.mjs'

/** A part in a process of its own, whose functions are called by name. Who starts it ends it. */
export class Peer {
  #child
  #asked = 0

  /** @param {string} part a file of bench/parts */
  constructor(part, { args = [], execArgv = [] } = {}) {
    this.#child = fork(new URL(`../parts/${part}.mjs`, import.meta.url), args, {
      execArgv,
      serialization: 'advanced',
      env: { ...process.env, NETGRACE_BUILD: settings.library },
    })
  }

  get pid() {
    return this.#child.pid
  }

  async call(name, ...args) {
    const id = ++this.#asked
    this.#child.send({ id, name, args })
    const died = new AbortController()
    const gone = once(this.#child, 'exit', { signal: died.signal }).then(([code]) => {
      throw new Error(`${this.#child.spawnargs[1]} exited with ${code} during ${name}()`)
    })
    gone.catch(() => {}) // raced below; afterwards nobody asks
    try {
      for (;;) {
        const [answer] = await Promise.race([once(this.#child, 'message', { signal: died.signal }), gone])
        if (answer.id === id) return answer.value
      }
    } finally {
      died.abort()
    }
  }

  async end() {
    if (this.#child.exitCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.disconnect()
    await gone
  }
}
