import type { Handle } from './handle.ts'
import type { Scope } from './scope.ts'
import type { Stack } from '../timeline/stack.ts'

/** A handle that was opened in some scope. */
export interface Birth {
  /** Its name in `async_hooks`; one of those in `kinds.ts`. */
  readonly type: string
  /** Held until it closes: what is dropped unclosed must not vanish from the report with the garbage. */
  readonly handle: Handle
  readonly bornAtMs: number
  readonly scope: Scope | undefined
  /** Empty for what the kernel hands us, such as an accepted socket. */
  readonly stack: Stack
  /** Which call of the user's made a part of ours open it. */
  readonly origin: Stack | undefined
  /** The handle that it goes back to: for an accepted socket its listener, for others the first whose callback led here. */
  readonly via: Birth | undefined
  readonly accepted: boolean
  /** Changes when an agent uses the socket again. */
  id: number
  /** The how many-th it was when it was last entered. */
  entry?: number
  /** The connect request: it alone knows the path of a unix socket. */
  request?: { readonly address?: string; readonly port?: number }
}
