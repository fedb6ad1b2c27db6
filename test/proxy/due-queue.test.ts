import { expect, onTestFinished, test } from 'vitest'

import { DueQueue } from '../../src/proxy/due-queue.ts'
import { now } from '../../src/timeline/clock.ts'
import { turns } from '../support.ts'

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
