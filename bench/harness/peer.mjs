import { fork } from 'node:child_process'
import { once } from 'node:events'

import { settings } from './settings.mjs'

/** glibc gives freed memory back to the kernel, or does not, by chance of layout: page faults then double what 64 KB cost. Here it keeps it. */
const MALLOC = { MALLOC_TRIM_THRESHOLD_: '500000000', MALLOC_MMAP_THRESHOLD_: '1000000' }

/** A part in a process of its own, whose functions are called by name. Who starts it ends it. */
export class Peer {
  #child
  #asked = 0

  /** @param {string} part a file of bench/parts */
  constructor(part, { args = [], execArgv = [], keepsMemory = false } = {}) {
    this.#child = fork(new URL(`../parts/${part}.mjs`, import.meta.url), args, {
      execArgv,
      serialization: 'advanced',
      env: { ...process.env, NETGRACE_BUILD: settings.library, ...(keepsMemory && MALLOC) },
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
