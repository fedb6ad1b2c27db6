import { describe, expect, test } from 'vitest'

import { faults } from '../../src/faults/faults.ts'
import { Seeded, seedOf } from '../../src/faults/random.ts'
import { describeFault, type DatagramContext, type UdpFault, type Verdict } from '../../src/model/fault.ts'
import { END, RST } from '../../src/model/item.ts'
import { Bench } from './bench.ts'

describe('latency', () => {
  test('delays data and FIN alike', () => {
    const bench = new Bench(faults.latency({ ms: 100 })).push('a').advance(30).push('b', END).advance(1000)
    expect(bench.told).toStrictEqual(['100 ms: a', '130 ms: b', '130 ms: FIN'])
  })

  test('with jitter stays within it, and never overtakes', () => {
    const bench = new Bench(faults.latency({ ms: 50, jitterMs: 20 }))
    for (let n = 0; n < 200; n++) bench.push(String.fromCharCode(n)).advance(100)
    const delays = bench.out.map(({ atMs }, n) => atMs - n * 100)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(30)
    expect(Math.max(...delays)).toBeLessThanOrEqual(70)
    expect(new Set(delays).size).toBeGreaterThan(150)
  })

  test('of 0 ms is none, not a turn', () => {
    expect(new Bench(faults.latency({ ms: 0 })).push('a', RST).told).toStrictEqual(['0 ms: a', '0 ms: RST'])
  })
})

describe('bandwidth', () => {
  test('gives each byte its time, from the first one on', () => {
    const bench = new Bench(faults.bandwidth({ bytesPerSecond: 1000 })).push('x'.repeat(50), END).advance(1000)
    expect(bench.out.map(({ atMs, item }) => [atMs, typeof item === 'symbol' ? 'FIN' : item.length])).toStrictEqual([
      [20, 20],
      [40, 20],
      [50, 10],
      [50, 'FIN'],
    ])
  })

  test.each([10_000, 100_000, 1_000_000, 10_000_000, 100_000_000])(
    'of %i bytes a second is never more, and never 1 %% less',
    (bytesPerSecond) => {
      const bench = new Bench(faults.bandwidth({ bytesPerSecond }))
      const chunk = Buffer.alloc(65_536)
      const total = 2 * bytesPerSecond
      for (let sent = 0; sent < total; sent += chunk.length) bench.push(chunk.subarray(0, Math.min(chunk.length, total - sent)))
      bench.advance(10_000)
      let come = 0
      const early = bench.out.filter(({ atMs, item }) => (come += (item as Buffer).length) > (atMs / 1000) * bytesPerSecond + 1e-3)
      expect([come, early]).toStrictEqual([total, []])
      expect(bench.out.at(-1)!.atMs).toBeLessThan(2000 * 1.01)
    },
  )

  test('does not save up what was not used', () => {
    const bench = new Bench(faults.bandwidth({ bytesPerSecond: 1000 })).advance(5000).push('x'.repeat(10)).advance(1000)
    expect(bench.out.map(({ atMs }) => atMs)).toStrictEqual([5010])
  })
})

test('stall gives nothing, until it is flushed', () => {
  const bench = new Bench(faults.stall()).push('a', 'b', END).advance(1e9)
  expect(bench.told).toStrictEqual([])
  bench.stage.flush()
  expect(bench.told).toHaveLength(3)
})

test('blackhole swallows it all, and says how much', () => {
  const bench = new Bench(faults.blackhole()).push('abc', 'de', END)
  bench.stage.flush()
  expect([bench.told, bench.droppedBytes]).toStrictEqual([[], 5])
})

test('reset and end do it at once', () => {
  expect(new Bench(faults.reset()).told).toStrictEqual(['0 ms: RST'])
  const bench = new Bench(faults.end())
  expect([bench.told, bench.finished]).toStrictEqual([['0 ms: FIN'], true])
})

test('slowClose delays the FIN, and neither data nor RST', () => {
  expect(new Bench(faults.slowClose({ ms: 100 })).push('a', END).advance(1000).told).toStrictEqual(['0 ms: a', '100 ms: FIN'])
  expect(new Bench(faults.slowClose({ ms: 100 })).push('a', RST).told).toStrictEqual(['0 ms: a', '0 ms: RST'])
})

describe('slicer', () => {
  test('cuts to size, with gaps', () => {
    const bench = new Bench(faults.slicer({ size: 3, gapMs: 10 })).push('abcdefgh').advance(5).push('ij', END).advance(100)
    expect(bench.told).toStrictEqual(['0 ms: abc', '10 ms: def', '20 ms: gh', '30 ms: ij', '30 ms: FIN'])
  })

  test('varies within what was asked for', () => {
    const sizes = new Bench(faults.slicer({ size: 100, variation: 20 }))
      .push(Buffer.alloc(100_000))
      .out.map(({ item }) => (item as Buffer).length)
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(80)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(120)
    expect(new Set(sizes).size).toBeGreaterThan(20)
  })
})

describe('corrupt', () => {
  const flips = (bits: number, size: number, seed = 1): number => {
    const bytes = new Bench(faults.corrupt({ bits }), seed).push(Buffer.alloc(size)).bytes
    return bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
  }

  test('flips exactly so many bits of every 8 bytes', () => {
    expect([flips(1, 8), flips(1, 8000), flips(10, 800), flips(64, 16)]).toStrictEqual([1, 1000, 1000, 128])
  })

  test('flips the same ones for the same seed', () => {
    const with_ = (seed: number): string => new Bench(faults.corrupt(), seed).push(Buffer.alloc(64)).bytes.toString('hex')
    expect(with_(1)).toBe(with_(1))
    expect(with_(1)).not.toBe(with_(2))
  })
})

describe('loss', () => {
  const delays = (share: number, seed: number): number[] => {
    const bench = new Bench(faults.loss({ share, rtoMs: 200 }), seed)
    for (let n = 0; n < 400; n++) bench.push('x').advance(100_000)
    return bench.out.map(({ atMs }, n) => atMs - n * 100_000)
  }

  test('delays a share of the packets by the time of their retransmission, which doubles', () => {
    const late = delays(0.1, 7)
    const times = (ms: number): number => late.filter((delay) => delay === ms).length
    expect([...new Set(late)].filter((delay) => ![0, 200, 600, 1400, 3000].includes(delay))).toStrictEqual([])
    expect(times(0)).toBeGreaterThan(340)
    expect(times(200)).toBeGreaterThan(15)
    expect(times(600)).toBeLessThan(15)
  })

  test('what is behind a lost packet waits for it', () => {
    for (let seed = 0; seed < 20; seed++) {
      const bench = new Bench(faults.loss({ share: 0.5, rtoMs: 200 }), seed).push('a', 'b', 'c', END).advance(100_000)
      expect(bench.out.map(({ item }) => (item === END ? 'FIN' : String(item)))).toStrictEqual(['a', 'b', 'c', 'FIN'])
      expect(bench.out.map(({ atMs }) => atMs)).toStrictEqual(bench.out.map(({ atMs }) => atMs).toSorted((a, b) => a - b))
    }
  })

  test('none is lost with a share of 0; with a share of 1 each gets through at the sixth retransmission', () => {
    expect(new Set(delays(0, 1))).toStrictEqual(new Set([0]))
    expect(new Set(delays(1, 1))).toStrictEqual(new Set([63 * 200]))
  })

  test('a long chunk is several packets, of which those that come together go on together', () => {
    const bench = new Bench(faults.loss({ share: 0.5, rtoMs: 10 }), 3).push(Buffer.alloc(14_600)).advance(1e6)
    const sizes = bench.out.map(({ item }) => (item as Buffer).length)
    expect(sizes.length).toBeGreaterThan(3)
    expect(sizes.filter((size) => size % 1460 !== 0)).toStrictEqual([])
    expect(bench.bytes).toHaveLength(14_600)
    expect(new Set(bench.out.map(({ atMs }) => atMs)).size).toBeGreaterThan(1)
  })

  test('the same seed loses the same packets', () => {
    expect(delays(0.3, 5)).toStrictEqual(delays(0.3, 5))
    expect(delays(0.3, 5)).not.toStrictEqual(delays(0.3, 6))
  })
})

describe('for datagrams', () => {
  const lane = {}
  const context = (n: number, data = Buffer.alloc(8)): DatagramContext => {
    return { direction: 'upstream', random: new Seeded(n), data, lane, now: () => 0 }
  }
  const verdicts = (fault: UdpFault, count = 1000): Verdict[] => Array.from({ length: count }, (_, n) => fault.datagram(context(n)))

  test('drop gives none, duplicate two, latency one later', () => {
    expect(verdicts(faults.drop(), 1)).toStrictEqual([[]])
    expect(verdicts(faults.duplicate(), 1)).toStrictEqual([[0, 0]])
    expect(verdicts(faults.latency({ ms: 5 }), 1)).toStrictEqual([[5]])
  })

  test('reorder holds a share of them back', () => {
    const held = verdicts(faults.reorder({ ms: 7, share: 0.25 })).filter(([ms]) => ms === 7)
    expect(held.length).toBeGreaterThan(200)
    expect(held.length).toBeLessThan(300)
  })

  test('loss loses a share of them for good', () => {
    const lost = verdicts(faults.loss({ share: 0.25 })).filter((copies) => copies.length === 0)
    expect(lost.length).toBeGreaterThan(200)
    expect(lost.length).toBeLessThan(300)
  })

  test('stall holds until it is healed', () => {
    expect(verdicts(faults.stall(), 1)).toStrictEqual([[Infinity]])
  })

  test('bandwidth gives each its time behind the one before', () => {
    expect(verdicts(faults.bandwidth({ bytesPerSecond: 4000 }), 3)).toStrictEqual([[2], [4], [6]])
  })

  test.each([1, 7, 8, 9, 300])('corrupt hits a datagram of %i bytes in every 8 of them', (size) => {
    for (let n = 0; n < 50; n++) {
      const data = Buffer.alloc(size)
      const [copy] = faults.corrupt().datagram(context(n, data)) as readonly { readonly data: Uint8Array }[]
      expect(data).toStrictEqual(Buffer.alloc(size)) // its sender may still look at it
      for (let from = 0; from < size; from += 8) expect(bitsIn(copy!.data.subarray(from, from + 8))).toBe(1)
    }
  })

  test('corrupt flips all bits of a short datagram, and no more', () => {
    const [copy] = faults.corrupt({ bits: 64 }).datagram(context(1, Buffer.alloc(3))) as readonly { readonly data: Uint8Array }[]
    expect(Buffer.from(copy!.data)).toStrictEqual(Buffer.alloc(3, 0xff))
  })
})

function bitsIn(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
}

describe('chance', () => {
  test('is spread evenly, whatever the seed and the position', () => {
    const counts = new Map<number, number>()
    for (let seed = 0; seed < 100; seed++) {
      const random = new Seeded(seedOf(42, 'latency({"ms":5})', 0, seed))
      for (let at = 0; at < 1000; at++) counts.set(Math.floor(random.at(at) * 10), (counts.get(Math.floor(random.at(at) * 10)) ?? 0) + 1)
    }
    for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  })

  test('at one position does not depend on what was asked before; beyond 4 GiB it does not begin again', () => {
    const [asked, fresh] = [new Seeded(1), new Seeded(1)]
    asked.next()
    asked.at(3)
    expect(asked.at(7)).toBe(fresh.at(7))
    expect(fresh.at(2 ** 32 + 7)).not.toBe(fresh.at(7))
  })

  test('parts of a seed cannot run into each other', () => {
    expect(seedOf('a', 'bc')).not.toBe(seedOf('ab', 'c'))
    expect(seedOf(1, 2)).not.toBe(seedOf(12))
  })
})

test('a fault says what it is', () => {
  expect(describeFault(faults.latency({ ms: 5, jitterMs: 1 }))).toBe('latency({"ms":5,"jitterMs":1})')
  expect(describeFault(faults.stall())).toBe('stall()')
})

test.each<[string, () => unknown, RegExp]>([
  ['latency', () => faults.latency({ ms: -1 }), /^ms must be a finite number ≥ 0/],
  ['latency', () => faults.latency({ ms: 1, jitter: 1 } as never), /^options: a key must be one of ms, jitterMs, got "jitter"/],
  ['bandwidth', () => faults.bandwidth({ bytesPerSecond: 0 }), /^bytesPerSecond must be an integer ≥ 1, got 0/],
  ['slicer', () => faults.slicer({ size: 5, variation: 5 }), /^variation must be less than size, which is 5, got 5/],
  ['corrupt', () => faults.corrupt({ bits: 65 }), /^bits must be an integer from 1 to 64/],
  ['slowClose', () => faults.slowClose({} as never), /^ms must be .*, got undefined/],
  ['latency', () => faults.latency({ jitterMs: 1 } as never), /^ms must be/],
  ['bandwidth', () => faults.bandwidth({} as never), /^bytesPerSecond must be/],
  ['slicer', () => faults.slicer({ gapMs: 1 } as never), /^size must be/],
])('%s refuses what means nothing', (_name, make, message) => {
  expect(make).toThrow(message)
})
