import { expect, test } from 'vitest'

import { faults } from '../../../src/faults/faults.ts'
import { DatagramLane, MAX_HELD_BYTES, MAX_HELD_DATAGRAMS } from '../../../src/proxy/udp/datagram-lane.ts'
import { DatagramTrigger } from '../../../src/proxy/udp/datagram-trigger.ts'
import { Schedule } from '../../../src/proxy/udp/schedule.ts'
import { UdpInjection } from '../../../src/proxy/udp/udp-injection.ts'

function stalled(): { lane: DatagramLane; heal: () => void; delivered: number[]; overflows: string[] } {
  const [delivered, overflows]: [number[], string[]] = [[], []]
  const owner = {
    id: 1,
    schedule: new Schedule(),
    deliver: (_direction: string, data: Buffer): void => void delivered.push(data.length),
    triggered: () => {},
    overflowed: (direction: string): void => void overflows.push(direction),
  }
  const lane = new DatagramLane(owner, 'upstream')
  const injection = new UdpInjection(faults.stall(), {}, 1, { healed: (one) => lane.remove(one), faultFailed: () => {} })
  lane.insert(injection, new DatagramTrigger({}))
  return { lane, heal: () => injection.heal(), delivered, overflows }
}

test('faults hold so many datagrams and no more', () => {
  const { lane, heal, delivered, overflows } = stalled()
  for (let n = 0; n < MAX_HELD_DATAGRAMS + 3; n++) lane.take(Buffer.alloc(0))
  expect([delivered, overflows, lane.received]).toStrictEqual([[], ['upstream'], MAX_HELD_DATAGRAMS + 3])
  heal()
  expect([delivered.length, lane.holds]).toStrictEqual([MAX_HELD_DATAGRAMS, false])
})

test('faults hold so many bytes and no more', () => {
  const { lane, heal, delivered, overflows } = stalled()
  const [size, count] = [60_000, Math.floor(MAX_HELD_BYTES / 60_000)]
  for (let n = 0; n < count + 1; n++) lane.take(Buffer.alloc(size))
  heal()
  expect([delivered.length, overflows]).toStrictEqual([count, ['upstream']])
})
