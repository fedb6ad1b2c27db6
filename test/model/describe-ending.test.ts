import { expect, test } from 'vitest'

import { describeEnding } from '../../src/model/describe-ending.ts'
import type { Ending, EndingKind } from '../../src/model/ending.ts'

function ending(kind: EndingKind, over: Partial<Ending> = {}): Ending {
  return { kind, by: 'peer', phase: 'open', certain: true, bytesRead: 0, bytesWritten: 0, durationMs: 12.4, ...over }
}

function coded(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code })
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
