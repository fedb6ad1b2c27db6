import { membersOf } from './brand.ts'

export const ENDING_KINDS = ['eof', 'reset', 'closed', 'refused', 'timeout', 'lost', 'error'] as const

/** How a connection ended, in one word. */
export type EndingKind = (typeof ENDING_KINDS)[number]

/** How one end of a connection saw it end. A value, never an exception. */
export interface Ending {
  readonly kind: EndingKind
  /** Who ended it. */
  readonly by: 'peer' | 'local'
  /** `connecting`: it was never open. */
  readonly phase: 'connecting' | 'open'
  /** `false` where the system cannot tell an end from a reset, where TLS ended without close_notify, and where its user put TLS on the socket: see {@link decideEnding}. */
  readonly certain: boolean
  readonly bytesRead: number
  readonly bytesWritten: number
  /** From the dial or the accept to the end. */
  readonly durationMs: number
  /**
   * The system's error or the reason of the aborted signal, where there was one; of an `eof`, that TLS was cut short
   * (`ERR_NETGRACE_TRUNCATED`), or that its user put TLS on the socket, which hears of no end from then on (`ERR_NETGRACE_CARRIES_TLS`).
   */
  readonly cause?: Error
  /** Of a `timeout`: what did not come, and how long it was waited for. */
  readonly timedOut?: TimedOut
}

/** `connect`: no connection; `handshake`: TLS, whose connection was there; `idle`: not a byte either way; `close`: no FIN in answer to ours. */
export interface TimedOut {
  readonly waitedFor: 'connect' | 'handshake' | 'idle' | 'close'
  readonly ms: number
}

/** What was seen of a socket until its `close`. Our own acts are noted when they are called, never inferred: a local reset looks like a local destroy. */
export interface Evidence {
  /** What we did ourselves, first act first. */
  readonly intent?: 'timeout' | 'reset' | 'closed' | undefined
  /** The peer's `end` was seen. */
  readonly endSeen: boolean
  /** Our FIN went out before the peer's came. */
  readonly finFirst: boolean
  /** The kernel no longer knew the peer at its `end`: no FIN, but a reset right behind data (libuv below 1.52), or one that a write of TLS had met. */
  readonly falseEnd: boolean
  /** The `end` may have been a reset, and nothing can tell: our FIN was out, and it came together with data (libuv below 1.52). */
  readonly unsure: boolean
  /** TLS: the `end` came without close_notify. Anything between may have made it, and what came may be cut short. */
  readonly truncated?: boolean
  /** Its user put TLS on the socket (STARTTLS): then it hears of no end, and of no error. */
  readonly carriesTls?: boolean
  readonly error?: Error | undefined
}

type Verdict = Pick<Ending, 'kind' | 'by' | 'certain'>

/** Decides how a connection ended: from the top, the first rule that holds. */
export function decideEnding(seen: Evidence): Verdict {
  const verdict = (kind: EndingKind, by: 'peer' | 'local', certain = true): Verdict => ({ kind, by, certain })
  if (seen.intent) return verdict(seen.intent, 'local')
  if (seen.endSeen && seen.falseEnd) return verdict('reset', 'peer')
  if (seen.endSeen) return verdict('eof', seen.finFirst ? 'local' : 'peer', !seen.unsure && !seen.truncated)
  if (!seen.error && seen.carriesTls) return verdict('eof', 'peer', false) // whose TLS socket knows better
  if (!seen.error) return verdict('closed', 'local') // nothing came from the peer, so the socket was destroyed here
  const kind = kindOfError(seen.error)
  return verdict(kind, kind === 'error' ? 'local' : 'peer')
}

const KINDS: Readonly<Record<string, EndingKind>> = {
  ECONNREFUSED: 'refused',
  ENOENT: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ETIMEDOUT: 'lost',
  EHOSTUNREACH: 'lost',
  ENETUNREACH: 'lost',
  EHOSTDOWN: 'lost',
}

/** A name with several addresses fails with an `AggregateError`: it is of a kind if all its members are. */
function kindOfError(error: Error): EndingKind {
  const members = membersOf(error)
  if (members.length > 0) {
    const kinds = new Set(members.map(kindOfError))
    return kinds.size === 1 ? [...kinds][0]! : 'error'
  }
  const { code = '' } = error as NodeJS.ErrnoException
  return Object.hasOwn(KINDS, code) ? KINDS[code]! : 'error'
}
