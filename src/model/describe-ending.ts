import type { Ending } from './ending.ts'

/**
 * One line for people: `EOF: the peer closed the connection gracefully`, `RST: connection reset by peer`, `CLOSED: …`.
 * The word before the colon is the kind's, as the field writes it.
 */
export function describeEnding(ending: Ending): string {
  return sentence(ending) + (ending.certain ? '' : ' (or a reset right behind its last data: this Node cannot tell)')
}

function sentence(ending: Ending): string {
  const connecting = ending.phase === 'connecting'
  const after = `${Math.round(ending.durationMs)} ms`
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
      return connecting
        ? `TIMEOUT: no answer to the connect within ${after}`
        : `TIMEOUT: the peer did not answer in time, given up here after ${after}`
    case 'lost':
      return `LOST: the system gave the peer up${coded(ending)}`
    case 'error':
      return `ERROR: ${ending.cause?.message ?? 'of an unknown cause'}`
  }
}

function coded(ending: Ending): string {
  const cause = ending.cause instanceof AggregateError ? (ending.cause.errors[0] as Error) : ending.cause
  const { code } = (cause ?? {}) as NodeJS.ErrnoException
  return code ? ` (${code})` : ''
}
