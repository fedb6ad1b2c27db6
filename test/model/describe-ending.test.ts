import { expect, test } from 'vitest'

import { describeEnding } from '../../src/model/describe-ending.ts'
import type { Ending, EndingKind } from '../../src/model/ending.ts'

function ending(kind: EndingKind, over: Partial<Ending> = {}): Ending {
  return { kind, by: 'peer', phase: 'open', certain: true, bytesRead: 0, bytesWritten: 0, durationMs: 12.4, ...over }
}

function coded(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code })
}

function at(code: string, address: string, port: number): Error {
  return Object.assign(coded(code), { address, port })
}

function cause(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

test.each<[ending: Ending, line: string]>([
  [ending('eof'), 'EOF: the peer closed the connection gracefully'],
  [ending('eof', { by: 'local' }), 'EOF: we closed first, and the peer closed gracefully in answer'],
  [ending('reset'), 'RST: connection reset by peer'],
  [ending('reset', { by: 'local' }), 'RST: connection reset by us'],
  [ending('reset', { phase: 'connecting' }), 'RST: connection reset by peer while connecting'],
  [ending('closed', { by: 'local' }), 'CLOSED: dropped here, without a word to or from the peer'],
  [ending('closed', { by: 'local', phase: 'connecting' }), 'CLOSED: given up here while connecting'],
  [ending('refused', { phase: 'connecting', cause: coded('ECONNREFUSED') }), 'REFUSED: nobody listens there (ECONNREFUSED)'],
  [
    ending('refused', { phase: 'connecting', cause: new AggregateError([coded('ECONNREFUSED')]) }),
    'REFUSED: nobody listens there (ECONNREFUSED)',
  ],
  [ending('timeout', { by: 'local', phase: 'connecting' }), 'TIMEOUT: no answer to the connect within 12 ms'],
  [ending('timeout', { by: 'local' }), 'TIMEOUT: the peer did not answer in time, given up here after 12 ms'],
  [
    ending('timeout', { by: 'local', timedOut: { waitedFor: 'close', ms: 100 }, durationMs: 1014 }),
    'TIMEOUT: no FIN from the peer within 100 ms of ours, given up here',
  ],
  [ending('timeout', { by: 'local', timedOut: { waitedFor: 'idle', ms: 40 } }), 'TIMEOUT: nothing came or went for 40 ms, given up here'],
  [
    ending('timeout', { by: 'local', phase: 'connecting', timedOut: { waitedFor: 'connect', ms: 40 } }),
    'TIMEOUT: no answer to the connect within 40 ms',
  ],
  [
    ending('refused', {
      phase: 'connecting',
      cause: new AggregateError([at('ECONNREFUSED', '::1', 80), at('ECONNREFUSED', '127.0.0.1', 80)]),
    }),
    'REFUSED: nobody listens there ([::1]:80 ECONNREFUSED, 127.0.0.1:80 ECONNREFUSED)',
  ],
  [
    ending('error', {
      by: 'local',
      phase: 'connecting',
      cause: new AggregateError([at('ETIMEDOUT', '127.0.0.1', 80), at('ECONNREFUSED', '::1', 80)]),
    }),
    'ERROR: 127.0.0.1:80 ETIMEDOUT, [::1]:80 ECONNREFUSED',
  ],
  [ending('error', { by: 'local', cause: new AggregateError([new Error('one'), coded('TWO')]) }), 'ERROR: one, TWO'],
  [ending('eof', { certain: false, cause: cause('ERR_NETGRACE_TRUNCATED', 'cut short') }), 'EOF: cut short'],
  [
    ending('eof', { by: 'local', certain: false, cause: cause('ERR_NETGRACE_TRUNCATED', 'cut short') }),
    'EOF: we closed first, and cut short',
  ],
  [ending('lost', { cause: coded('ETIMEDOUT') }), 'LOST: the system gave the peer up (ETIMEDOUT)'],
  [ending('lost'), 'LOST: the system gave the peer up'],
  [ending('error', { by: 'local', cause: coded('EWHAT') }), 'ERROR: connect EWHAT'],
  [ending('error', { by: 'local' }), 'ERROR: of an unknown cause'],
])('%o', (seen, line) => {
  expect(describeEnding(seen)).toBe(line)
})

test('an ending that the system cannot tell apart says so', () => {
  expect(describeEnding(ending('eof', { by: 'local', certain: false }))).toBe(
    'EOF: we closed first, and the peer closed gracefully in answer (or a reset right behind its last data: this Node cannot tell)',
  )
})

const kinds: EndingKind[] = ['eof', 'reset', 'closed', 'refused', 'timeout', 'lost', 'error']

test('every kind has its own first word, and one line', () => {
  const lines = kinds.map((kind) => describeEnding(ending(kind)))
  expect(new Set(lines.map((line) => line.split(':')[0])).size).toBe(kinds.length)
  for (const line of lines) expect(line).toMatch(/^[A-Z]+: [^\n]+$/)
})
