import { describe, expect, onTestFinished, test } from 'vitest'

import { DueQueue } from '../../src/proxy/due-queue.ts'
import { now } from '../../src/timeline/clock.ts'
import { turns, until } from '../support.ts'

test('no timer is asked for in the past, of which Node 24 would warn', async () => {
  const warnings: Error[] = []
  const note = (warning: Error): void => void warnings.push(warning)
  process.on('warning', note)
  onTestFinished(() => void process.off('warning', note))
  const queue = new DueQueue({ run: (act) => act(), apart: () => false })
  let acted = 0
  for (let n = 0; n < 5000; n++) {
    queue.at(now() + (n % 100) / 100_000, () => acted++) // due while it is being armed, sooner or later
    queue.flush()
  }
  await turns(2)
  expect([acted, warnings]).toStrictEqual([5000, []])
})

const plain = { run: (act: () => void) => act(), apart: () => false }

describe('a flush', () => {
  test('from within an act does the rest once that has returned, in order, and what it adds as well', () => {
    const queue = new DueQueue(plain)
    const done: number[] = []
    queue.at(now() + 60_000, () => {
      queue.flush()
      done.push(1)
    })
    queue.at(now() + 60_000, () => {
      done.push(2)
      queue.at(now() + 60_000, () => done.push(4))
    })
    queue.at(now() + 60_000, () => done.push(3))
    queue.flush()
    expect([done, queue.size]).toStrictEqual([[1, 2, 3, 4], 0])
  })

  test('from within an act that was due does what is not', () => {
    const queue = new DueQueue(plain)
    const done: number[] = []
    queue.at(now(), () => {
      queue.at(now() + 60_000, () => done.push(2))
      queue.flush()
      done.push(1)
    })
    expect([done, queue.size]).toStrictEqual([[1, 2], 0])
  })
})

test('what is done is not kept alive, and an entry costs the same however many wait', async () => {
  const queue = new DueQueue(plain)
  const count = 300_000
  let done = 0
  const startedAt = performance.now()
  for (let n = 0; n < count; n++) queue.at(now() + 1, () => done++)
  await until(() => done === count)
  expect(performance.now() - startedAt).toBeLessThan(10_000) // a queue that moves all that wait takes minutes
  expect(queue.size).toBe(0)
})

test('what is to be apart is, turn by turn, though all of it is due', async () => {
  const queue = new DueQueue({ run: (act) => act(), apart: () => true })
  const done: number[] = []
  for (let n = 0; n < 5; n++) queue.at(now(), () => done.push(n))
  expect(done).toStrictEqual([])
  for (let n = 1; n <= 5; n++) {
    await turns(1)
    expect(done.length).toBeLessThanOrEqual(n)
  }
  await turns(2)
  expect(done).toStrictEqual([0, 1, 2, 3, 4])
})

test('a time beyond what a timer holds is waited for, without a warning', async () => {
  const warnings: Error[] = []
  const note = (warning: Error): void => void warnings.push(warning)
  process.on('warning', note)
  onTestFinished(() => void process.off('warning', note))
  const queue = new DueQueue(plain)
  let acted = false
  queue.at(now() + 2 ** 32, () => (acted = true))
  await turns(20)
  expect([acted, queue.size, warnings]).toStrictEqual([false, 1, []])
  queue.clear()
})
