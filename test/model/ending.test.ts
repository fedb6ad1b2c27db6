import { describe, expect, test } from 'vitest'

import { decideEnding, type Ending, type Evidence } from '../../src/model/ending.ts'

const nothing: Evidence = { endSeen: false, finFirst: false, falseEnd: false, unsure: false }

function coded(code: string): Error {
  return Object.assign(new Error(code), { code })
}

function several(...codes: string[]): Error {
  return new AggregateError(codes.map((code) => coded(code)))
}

type Row = [what: string, seen: Partial<Evidence>, verdict: Pick<Ending, 'kind' | 'by' | 'certain'>]

describe('each rule by itself', () => {
  test.each<Row>([
    ['a deadline of ours', { intent: 'timeout' }, { kind: 'timeout', by: 'local', certain: true }],
    ['a reset of ours', { intent: 'reset' }, { kind: 'reset', by: 'local', certain: true }],
    ['a destroy or a signal of ours', { intent: 'closed' }, { kind: 'closed', by: 'local', certain: true }],
    ["the peer's FIN", { endSeen: true }, { kind: 'eof', by: 'peer', certain: true }],
    ["the peer's FIN in answer to ours", { endSeen: true, finFirst: true }, { kind: 'eof', by: 'local', certain: true }],
    ['an end that was a reset', { endSeen: true, falseEnd: true }, { kind: 'reset', by: 'peer', certain: true }],
    ['an end that may be a reset', { endSeen: true, finFirst: true, unsure: true }, { kind: 'eof', by: 'local', certain: false }],
    ['an end of TLS without close_notify', { endSeen: true, truncated: true }, { kind: 'eof', by: 'peer', certain: false }],
    ['a silent close of a socket that carries TLS', { carriesTls: true }, { kind: 'eof', by: 'peer', certain: false }],
    ['a silent close', {}, { kind: 'closed', by: 'local', certain: true }],
    ['a silent close after our FIN', { finFirst: true }, { kind: 'closed', by: 'local', certain: true }],
  ])('%s', (_what, seen, verdict) => {
    expect(decideEnding({ ...nothing, ...seen })).toStrictEqual(verdict)
  })

  test.each<[code: string, kind: string, by: string]>([
    ['ECONNREFUSED', 'refused', 'peer'],
    ['ENOENT', 'refused', 'peer'],
    ['ECONNRESET', 'reset', 'peer'],
    ['EPIPE', 'reset', 'peer'],
    ['ECONNABORTED', 'reset', 'peer'],
    ['ETIMEDOUT', 'lost', 'peer'],
    ['EHOSTUNREACH', 'lost', 'peer'],
    ['ENETUNREACH', 'lost', 'peer'],
    ['EHOSTDOWN', 'lost', 'peer'],
    ['EADDRNOTAVAIL', 'error', 'local'],
    ['ENOTFOUND', 'error', 'local'],
    ['toString', 'error', 'local'],
  ])('%s is %s by %s', (code, kind, by) => {
    expect(decideEnding({ ...nothing, error: coded(code) })).toStrictEqual({ kind, by, certain: true })
  })

  test('an error without a code is an error', () => {
    expect(decideEnding({ ...nothing, error: new Error('?') })).toMatchObject({ kind: 'error', by: 'local' })
  })
})

describe('the first rule that holds decides', () => {
  test.each<Row>([
    ['our reset, although the peer had ended', { intent: 'reset', endSeen: true }, { kind: 'reset', by: 'local', certain: true }],
    [
      'our deadline, although an error came',
      { intent: 'timeout', error: coded('ECONNRESET') },
      { kind: 'timeout', by: 'local', certain: true },
    ],
    [
      'our destroy, although it may be a reset',
      { intent: 'closed', endSeen: true, unsure: true },
      { kind: 'closed', by: 'local', certain: true },
    ],
    ["the peer's end, whatever follows it", { endSeen: true, error: coded('EPIPE') }, { kind: 'eof', by: 'peer', certain: true }],
    ['a false end, with its error', { endSeen: true, falseEnd: true, error: coded('EPIPE') }, { kind: 'reset', by: 'peer', certain: true }],
  ])('%s', (_what, seen, verdict) => {
    expect(decideEnding({ ...nothing, ...seen })).toStrictEqual(verdict)
  })
})

describe('a name with several addresses', () => {
  test.each<[what: string, error: Error, kind: string]>([
    ['all refused', several('ECONNREFUSED', 'ECONNREFUSED'), 'refused'],
    ['all lost, each in its own way', several('ETIMEDOUT', 'ENETUNREACH'), 'lost'],
    ['not all of one kind', several('ECONNREFUSED', 'ENETUNREACH'), 'error'],
    ['one that stands for nothing', several('ECONNREFUSED', 'EWHAT'), 'error'],
    ['none at all', several(), 'error'],
  ])('%s', (_what, error, kind) => {
    expect(decideEnding({ ...nothing, error }).kind).toBe(kind)
  })
})
