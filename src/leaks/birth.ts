import { formatStack, type Stack } from '../timeline/stack.ts'
import type { Handle } from './handle.ts'
import type { Scope } from './scope.ts'

/** How the tracer refers to a handle. A `WeakRef` is one. */
export interface HandleRef {
  deref(): Handle | undefined
}

/** What a server was asked for. Known once it has accepted: what it accepts may outlive it. */
export interface Listening {
  /** The call of `listen()`. */
  readonly call: Stack | undefined
  /** Of a unix listener. */
  readonly path: string | undefined
}

interface Dial {
  readonly address?: string
  readonly port?: number
}

/** What a collected handle answers: every kind is gone by it. */
const COLLECTED: Handle = { fd: -1, _destroyed: true, getAsyncId: () => -1 }

/**
 * A handle that was opened in some scope.
 *
 * It is remembered on the handle and refers to it weakly, so the tracer keeps nothing alive: Node itself holds a handle until
 * it has closed, and what has closed is collected together with its birth.
 */
export class Birth {
  /** Its name in `async_hooks`; one of those in `kinds.ts`. */
  readonly type: string
  readonly ref: HandleRef
  readonly bornAtMs: number
  scope: Scope | undefined
  /** Empty for what the kernel hands us, such as an accepted socket. */
  stack: Stack
  /** Which call of the user's made a part of ours open it. */
  origin: Stack | undefined
  /** The handle that it goes back to: for an accepted socket its listener, for others the first whose callback led here. */
  readonly via: Birth | undefined
  readonly accepted: boolean
  /** Changes when an agent uses the socket again. */
  id: number
  /** The how many-th it was when it was last entered. */
  entry = 0
  /** The connect request: it alone knows the path of a unix socket. */
  request: Dial | undefined
  listening: Listening | undefined
  /** The path that a watcher was started with. */
  path: string | undefined
  /** Of a worker: it has a thread. */
  started = false
  #formatted = false

  constructor({ type, ref, bornAtMs, scope, origin, stack, via, accepted, id }: BirthFacts) {
    this.type = type
    this.ref = ref
    this.bornAtMs = bornAtMs
    this.scope = scope
    this.origin = origin
    this.stack = stack
    this.via = via
    this.accepted = accepted
    this.id = id
  }

  get handle(): Handle {
    return this.ref.deref() ?? COLLECTED
  }

  /**
   * Replaces what refers to objects by text and numbers. A stack that was not read keeps alive the `this` and the function of
   * each of its frames; a request keeps its callback.
   */
  format(): void {
    if (this.#formatted) return
    this.#formatted = true
    for (const stack of [this.stack, this.origin, this.listening?.call]) if (stack) formatStack(stack)
    if (this.request) this.request = { ...pick(this.request) }
    this.via?.format()
  }
}

export type BirthFacts = Pick<Birth, 'type' | 'ref' | 'bornAtMs' | 'scope' | 'origin' | 'stack' | 'via' | 'accepted' | 'id'>

function pick({ address, port }: Dial): Dial {
  return { ...(address !== undefined && { address }), ...(port !== undefined && { port }) }
}
