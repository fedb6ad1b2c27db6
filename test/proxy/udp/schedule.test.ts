import { expect, test } from 'vitest'

import { Schedule } from '../../../src/proxy/udp/schedule.ts'
import { now } from '../../../src/timeline/clock.ts'
import { seeded } from '../../support.ts'

test('what is due earlier is done earlier, and equal ones in the order in which they were given', async () => {
  const random = seeded(7)
  const schedule = new Schedule()
  const base = now() + 5
  const given = Array.from({ length: 500 }, (_, n) => ({ n, dueMs: base + Math.floor(random() * 20) }))
  const done: typeof given = []
  for (const one of given) schedule.at(one.dueMs, () => done.push(one))
  await schedule.empty()
  expect(done).toStrictEqual(given.toSorted((a, b) => a.dueMs - b.dueMs || a.n - b.n))
})

test('nothing is done before it is due', async () => {
  const schedule = new Schedule()
  const early: number[] = []
  for (let n = 0; n < 20; n++) {
    const dueMs = now() + n * 1.3
    schedule.at(dueMs, () => early.push(Math.min(0, now() - dueMs)))
  }
  await schedule.empty()
  expect(early).toStrictEqual(Array.from({ length: 20 }, () => 0))
})

test('what is cancelled is not done, and not waited for', async () => {
  const schedule = new Schedule()
  const done: string[] = []
  const far = schedule.at(now() + 600_000, () => done.push('far'))
  const near = schedule.at(now() + 1, () => done.push('near'))
  schedule.at(now() + 2, () => done.push('kept'))
  near.cancel()
  far.cancel()
  far.cancel()
  await schedule.empty()
  expect(done).toStrictEqual(['kept'])
})

test('cleared, it is empty', async () => {
  const schedule = new Schedule()
  schedule.at(now() + 600_000, () => {})
  const empty = schedule.empty()
  schedule.clear()
  await empty
})

test('what is given while another is being done is done, too', async () => {
  const schedule = new Schedule()
  const done: string[] = []
  schedule.at(now(), () => {
    done.push('first')
    schedule.at(now(), () => done.push('second'))
  })
  await schedule.empty()
  expect(done).toStrictEqual(['first', 'second'])
})
