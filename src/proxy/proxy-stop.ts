import type { Deadline } from '../lifetime/deadline.ts'
import { OneStop } from '../lifetime/one-stop.ts'
import { FaultUnusedError } from '../model/errors.ts'
import { checkOptions, duration } from '../model/options.ts'

/** The one stop of a proxy, by both its doors: one throws what the other reports. */
export class ProxyStop<Report extends { readonly errors: readonly Error[] }> {
  /** One of the report's errors: no dial ever succeeded. */
  unreachable: Error | undefined
  readonly #once = new OneStop<Report>()
  readonly #defaultMs: number
  readonly #stop: (deadline: Deadline) => Promise<Report>

  /** @param stop  Brings all down within the deadline; must not reject. */
  constructor(defaultMs: number, stop: (deadline: Deadline) => Promise<Report>) {
    this.#defaultMs = defaultMs
    this.#stop = stop
  }

  get hasBegun(): boolean {
    return this.#once.report !== undefined
  }

  /** Resolves to the report; that a fault never triggered, or no upstream was there, is among its errors. */
  halt(options: { readonly graceMs?: number }): Promise<Report> {
    try {
      checkOptions(options, { graceMs: duration })
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#once.call(options.graceMs, this.#defaultMs, this.#stop)
  }

  /** Rejects with what says that the test has not tested what it was to, once all is down. */
  async stop(options: { readonly graceMs?: number }): Promise<Report> {
    const report = await this.halt(options)
    for (const error of report.errors) if (error instanceof FaultUnusedError || error === this.unreachable) throw error
    return report
  }
}
