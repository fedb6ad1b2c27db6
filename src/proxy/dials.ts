import { NetgraceError } from '../model/errors.ts'

/** Whether a proxy has ever reached its upstream. */
export class Dials {
  /** It is no error that none ever succeeds. */
  mayFail: boolean
  stood = 0
  #failed = 0
  #why = ''

  constructor(mayFail: boolean) {
    this.mayFail = mayFail
  }

  /** A dial has failed. */
  failed(why: string): void {
    this.#failed++
    this.#why = why
  }

  /** What is to be said of them once there will be no more. */
  error(proxy: string): NetgraceError | undefined {
    if (this.mayFail || this.stood > 0 || this.#failed === 0) return undefined
    const dials = this.#failed === 1 ? 'its one dial failed' : `all its ${this.#failed} dials failed`
    const hint = 'Start the server first, give a function as upstream, or `allowUnreachable: true`.'
    return new NetgraceError('ERR_NETGRACE_UPSTREAM', `${proxy}: ${this.#why}, so ${dials}. ${hint}`)
  }
}
