import { membersOf } from './brand.ts'
import { formatEndpoint } from './endpoint.ts'
import type { Ending } from './ending.ts'

/**
 * One line for people: `EOF: the peer closed the connection gracefully`, `RST: connection reset by peer`, `CLOSED: …`.
 * The word before the colon is the kind's, as the field writes it.
 */
export function describeEnding(ending: Ending): string {
  if (ending.certain) return sentence(ending)
  if (codeOf(ending.cause) === 'ERR_NETGRACE_CARRIES_TLS') return `EOF: ${ending.cause!.message}`
  if (codeOf(ending.cause) === 'ERR_NETGRACE_TRUNCATED')
    return `EOF: ${ending.by === 'local' ? 'we closed first, and ' : ''}${ending.cause!.message}`
  return `${sentence(ending)} (or a reset right behind its last data: this Node cannot tell)`
}

function sentence(ending: Ending): string {
  const connecting = ending.phase === 'connecting'
  const byPeer = ending.by === 'peer'
  switch (ending.kind) {
    case 'eof':
      return byPeer ? 'EOF: the peer closed the connection gracefully' : 'EOF: we closed first, and the peer closed gracefully in answer'
    case 'reset':
      return (byPeer ? 'RST: connection reset by peer' : 'RST: connection reset by us') + (connecting ? ' while connecting' : '')
    case 'closed':
      return connecting ? 'CLOSED: given up here while connecting' : 'CLOSED: dropped here, without a word to or from the peer'
    case 'refused':
      return `REFUSED: nobody listens there${coded(ending)}`
    case 'timeout':
      return `TIMEOUT: ${timedOut(ending)}`
    case 'lost':
      return `LOST: the system gave the peer up${coded(ending)}`
    case 'error':
      return `ERROR: ${messageOf(ending.cause)}`
  }
}

function timedOut({ timedOut: what, phase, durationMs }: Ending): string {
  switch (what?.waitedFor) {
    case 'handshake':
      return `connected, but the TLS handshake was not done within ${what.ms} ms of the dial`
    case 'close':
      return `no FIN from the peer within ${what.ms} ms of ours, given up here`
    case 'idle':
      return `nothing came or went for ${what.ms} ms, given up here`
    default: {
      const ms = what?.ms ?? Math.round(durationMs)
      return phase === 'connecting'
        ? `no answer to the connect within ${ms} ms`
        : `the peer did not answer in time, given up here after ${ms} ms`
    }
  }
}

/** Of a name with several addresses: each, and what came of it. */
function coded({ cause }: Ending): string {
  const each = membersOf(cause) as readonly Attempt[]
  const text = each.length > 1 ? each.map(attempt).join(', ') : codeOf(each[0] ?? cause)
  return text ? ` (${text})` : ''
}

function messageOf(cause: Error | undefined): string {
  const each = membersOf(cause) as readonly Attempt[]
  return each.length > 0 ? each.map(attempt).join(', ') : cause?.message || 'of an unknown cause'
}

/** What Node's error of one address of several tells. */
interface Attempt extends NodeJS.ErrnoException {
  readonly address?: string
  readonly port?: number
}

function attempt({ address, port, code, message }: Attempt): string {
  const what = code ?? message
  if (address === undefined) return what
  return `${port === undefined ? address : formatEndpoint({ host: address, port })} ${what}`
}

function codeOf(error: NodeJS.ErrnoException | undefined): string | undefined {
  return error?.code
}
