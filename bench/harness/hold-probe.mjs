import { openSync, readSync } from 'node:fs'

/** The longest time between two turns of the event loop. A `setImmediate` a turn: `monitorEventLoopDelay` misses the turn in which it is disabled. */
export class HoldProbe {
  #longest = { ms: 0, cpuMs: 0 }
  #last = { at: performance.now(), cpuMs: mainThreadCpuMs() }
  #turns = 0
  #next = setImmediate(() => this.#turn())

  /** The longest hold until now, this turn's included: by the clock, and by what this thread computed in a turn, which is not stretched by other work of the machine. */
  async end() {
    const until = this.#turns + 2
    while (this.#turns < until) await new Promise((resolve) => void setImmediate(resolve))
    clearImmediate(this.#next)
    return this.#longest
  }

  #turn() {
    const now = { at: performance.now(), cpuMs: mainThreadCpuMs() }
    this.#longest = {
      ms: Math.max(this.#longest.ms, now.at - this.#last.at),
      cpuMs: Math.max(this.#longest.cpuMs, now.cpuMs - this.#last.cpuMs),
    }
    this.#last = now
    this.#turns++
    this.#next = setImmediate(() => this.#turn())
  }
}

const schedstat = process.platform === 'linux' ? openSync(`/proc/self/task/${process.pid}/schedstat`) : undefined
const text = Buffer.alloc(64)

/** `NaN` where there is no /proc. */
function mainThreadCpuMs() {
  if (schedstat === undefined) return NaN
  const length = readSync(schedstat, text, 0, text.length, 0)
  return Number(text.latin1Slice(0, length).split(' ')[0]) / 1e6
}
