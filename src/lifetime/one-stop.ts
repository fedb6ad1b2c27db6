import { Deadline } from './deadline.ts'

/**
 * One stop, however often it is asked for: the first call begins it, every later one gets the same promise, and its grace
 * can only bring the deadline forward.
 */
export class OneStop<Report> {
  #underWay: { readonly report: Promise<Report>; readonly deadline: Deadline } | undefined

  /** The promise that all callers have, once there is one. */
  get report(): Promise<Report> | undefined {
    return this.#underWay?.report
  }

  /**
   * @param graceMs  What this caller asked for, if anything.
   * @param stop  Does it, within the deadline; begins in this very call. Must not reject.
   */
  call(graceMs: number | undefined, defaultMs: number, stop: (deadline: Deadline) => Promise<Report>): Promise<Report> {
    if (this.#underWay) {
      if (graceMs !== undefined) this.#underWay.deadline.bringForward(graceMs)
      return this.#underWay.report
    }
    const deadline = new Deadline(graceMs ?? defaultMs)
    let done!: (report: Report) => void
    let failed!: (reason: unknown) => void // by our own mistake alone: better told than waited for
    const report = new Promise<Report>((resolve, reject) => {
      done = resolve
      failed = reject
    })
    this.#underWay = { report, deadline } // before anything is told: whoever hears of quit may call again
    void stop(deadline).then(done, failed)
    return report
  }

  /** What was stopped has started again: the next call begins another stop. */
  startAgain(): void {
    this.#underWay = undefined
  }
}
