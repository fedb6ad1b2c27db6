import { mayBegin, UNBOUNDED } from '../lifetime/bounded.ts'
import { onAbort } from '../lifetime/on-abort.ts'
import { clearTimer, setTimer } from '../lifetime/timers.ts'
import type { WaitOptions } from '../model/client.ts'
import { NetgraceError } from '../model/errors.ts'
import { callSite } from '../timeline/call-site.ts'
import type { Host } from './host.ts'
import { realError } from './plain-error.ts'

/** How long the other side may take to say that it gave a call up, before it is taken for frozen. Milliseconds. */
export const PATIENCE_MS = 500

/** A call that was not answered yet. */
export interface Pending {
  readonly method: string
  readonly args: readonly unknown[]
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Calls what runs in a thread or a process, and hears what it has to tell.
 *
 * 1. A bounded wait is bounded over there: either its answer comes, or nothing was taken. Only from a side that does not
 *    even say that, because it is frozen, we turn away.
 * 2. Every call comes to an end: by its answer, or by {@link settle}, which whoever hears that the other side is gone must call.
 */
export class Peer {
  readonly #host: Host
  readonly #pending = new Map<number, Pending>()
  #calls = 0

  constructor(host: Host, onEvent: (event: string, value: unknown) => void) {
    this.#host = host
    host.onMessage((message) => {
      if ('event' in message) return onEvent(message.event, message.value)
      const pending = this.#pending.get(message.answer)
      this.#pending.delete(message.answer)
      if ('error' in message) pending?.reject(realError(message.error))
      else pending?.resolve(message.value)
    })
  }

  /** Calls `method` over there. Throws what cannot be sent. */
  async call(method: string, args: readonly unknown[], options: WaitOptions = UNBOUNDED): Promise<unknown> {
    mayBegin(options)
    const { withinMs, signal } = options
    const site = withinMs === undefined ? undefined : callSite()
    const call = ++this.#calls
    let forget = (): void => {}
    let patience: NodeJS.Timeout | undefined
    let aborted: { reason: unknown } | undefined
    try {
      return await new Promise((resolve, reject) => {
        const turnAway = (reason: unknown, ms: number): void => {
          clearTimer(patience)
          patience = setTimer(() => reject(reason), ms)
        }
        const refuse = (reason: unknown): void =>
          reject(aborted ? aborted.reason : isTimeout(reason) ? (site?.blame(reason) ?? reason) : reason)
        this.#pending.set(call, { method, args, resolve, reject: refuse })
        this.#host.post({ call, method, args, withinMs })
        if (withinMs !== undefined) turnAway(site!.blame(frozen(method, withinMs)), withinMs + PATIENCE_MS)
        if (!signal) return
        forget = onAbort(signal, (reason) => {
          aborted = { reason }
          this.#host.post({ giveUp: call })
          turnAway(reason, PATIENCE_MS)
        })
      })
    } finally {
      this.#pending.delete(call)
      clearTimer(patience)
      forget()
    }
  }

  /** Tells something, without an answer. */
  tell(method: string, ...args: readonly unknown[]): void {
    this.#host.post({ call: 0, method, args })
  }

  /** The other side will answer no more: gives each call that waits to `how`. */
  settle(how: (pending: Pending) => void): void {
    const left = [...this.#pending.values()]
    this.#pending.clear()
    for (const pending of left) how(pending)
  }
}

/** One that was given up over there has the stack of over there. */
function isTimeout(reason: unknown): reason is NetgraceError {
  return reason instanceof NetgraceError && reason.code === 'ERR_NETGRACE_TIMEOUT'
}

function frozen(method: string, withinMs: number): NetgraceError {
  return new NetgraceError(
    'ERR_NETGRACE_TIMEOUT',
    `${method} was not answered within ${withinMs} ms, and neither was it given up: the other side seems to be frozen`,
  )
}
