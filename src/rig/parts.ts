import type { Deadline } from '../lifetime/deadline.ts'
import { askedFor } from '../lifetime/origin.ts'
import { AbortController } from '../lifetime/realm.ts'
import { Scope, type Part } from '../lifetime/scope.ts'
import { NetgraceError } from '../model/errors.ts'
import type { CallSite } from '../timeline/call-site.ts'

/** How a part of a rig is opened, and taken down. */
export interface Plan<P, Given> {
  /** What it is, as long as it is not there. */
  readonly what: string
  /** The line that asks for it. */
  readonly site: CallSite
  readonly open: (life: Life) => Promise<P>
  /** What the caller gets. */
  readonly give: (part: P) => Given
  /** For the error that names it. Default: {@link what}. */
  readonly name?: (part: P) => string
  readonly close: (part: P, deadline: Deadline) => unknown
  /** It has ended by itself before the rig closes. */
  readonly letGo?: (part: P) => void
}

export interface Life {
  /** Aborts when the rig closes. */
  readonly cancel: AbortSignal
  /** To be called when the part has ended by itself, for good: the rig lets go of it. */
  readonly ended: () => void
}

/**
 * Opens the parts of a rig, and takes them down.
 *
 * 1. A part belongs to the rig from the call that opens it: it is taken down in the turn of that call.
 * 2. What is still being opened at the close is cancelled; where that is too late it is taken down as soon as it is there. Its
 *    caller's promise rejects with `ERR_NETGRACE_STOPPED`; that nobody waits for it any more is no unhandled rejection.
 * 3. A part that has ended by itself is let go of.
 */
export class Parts {
  readonly #scope = new Scope()
  readonly #closing = new AbortController()
  /** What is being opened, as its callers await it. */
  readonly #opening = new Set<Promise<unknown>>()

  /** Aborts when the close begins. */
  get signal(): AbortSignal {
    return this.#closing.signal
  }

  /** To be called within the door that the user called, before it awaits anything; the door returns this very promise. */
  open<P, Given>({ what, site, open, give, name = () => what, close, letGo }: Plan<P, Given>): Promise<Given> {
    if (this.signal.aborted) return Promise.reject(stoppedError())
    let part: P | undefined
    let over = false
    const ended = (): void => {
      over = true
      if (part === undefined || this.signal.aborted) return
      forget()
      letGo?.(part)
    }
    const opening = askedFor(async () => open({ cancel: this.signal, ended }))
    let refuse!: (error: Error) => void
    const opened = new Promise<Given>((resolve, reject) => {
      refuse = reject
      const settled = (there: P): void => {
        part = there
        if (this.signal.aborted) return reject(stoppedError())
        if (over) ended()
        resolve(give(there))
      }
      const whenOver = (): boolean => this.#opening.delete(opened)
      opening.then(whenOver, whenOver)
      opening.then(settled, (thrown: unknown) => {
        forget()
        reject(this.signal.aborted ? stoppedError(thrown) : thrown)
      })
    })
    this.#opening.add(opened)
    const forget = this.#scope.defer({
      name: () => (part === undefined ? `${what} that was still being opened` : name(part)),
      site,
      release: async (deadline) => {
        deadline.onPass(() => refuse(stoppedError()))
        const there = part ?? (await opening.catch(() => undefined))
        if (there !== undefined) await close(there, deadline)
      },
    })
    return opened
  }

  /** Has something taken down that is there already. Returns the way to let go of it. */
  defer(part: Part): () => void {
    return this.#scope.defer(part)
  }

  mustBeOpen(): void {
    if (this.signal.aborted) throw stoppedError()
  }

  /** The close begins: nothing more is opened, and what is being opened is cancelled. */
  cancel(): void {
    for (const opened of this.#opening) opened.catch(() => {})
    this.#closing.abort(stoppedError())
  }

  /** Takes everything down, and resolves to what went wrong. */
  close(graceMs: number): Promise<readonly Error[]> {
    return this.#scope.close(graceMs)
  }
}

function stoppedError(cause?: unknown): NetgraceError {
  return new NetgraceError('ERR_NETGRACE_STOPPED', 'the rig has closed: its test is over', cause === undefined ? {} : { cause })
}
