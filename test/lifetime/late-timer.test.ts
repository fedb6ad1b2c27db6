import { expect, onTestFinished, test } from 'vitest'

import { LateTimer, nextCheckPhase } from '../../src/lifetime/late-timer.ts'
import { now } from '../../src/timeline/clock.ts'

function armed(ms: number, repeats = false): { timer: LateTimer; fired: Promise<void>; times: () => number } {
  let count = 0
  let happened = (): void => {}
  const fired = new Promise<void>((resolve) => {
    happened = resolve
  })
  const act = (): void => {
    count++
    if (!repeats || count === 3) happened()
  }
  const timer = new LateTimer(act, ms, repeats)
  onTestFinished(() => void timer.close())
  return { timer, fired, times: () => count }
}

test('it fires once, no sooner than asked for', async () => {
  const beganMs = now()
  const { fired, times } = armed(20)
  await fired
  expect(now() - beganMs).toBeGreaterThan(18)
  await armed(5).fired
  expect(times()).toBe(1)
})

test('one that is closed never fires, and one that is refreshed does again', async () => {
  const { timer, times } = armed(1)
  timer.close()
  await armed(10).fired
  expect(times()).toBe(0)
  timer.refresh()
  await armed(10).fired
  expect(times()).toBe(1)
})

test('one that repeats goes on until it is closed', async () => {
  const { timer, fired, times } = armed(1, true)
  await fired
  timer.close()
  await armed(10).fired
  expect(times()).toBe(3)
})

test('it knows whether it keeps the process alive', () => {
  const { timer } = armed(1000)
  expect([timer.hasRef(), timer.unref().hasRef(), timer.ref().hasRef()]).toStrictEqual([true, false, true])
})

test('what is to run behind the next poll runs behind what this turn has ready', async () => {
  const order: string[] = []
  await new Promise<void>((resolve) => {
    nextCheckPhase(() => {
      order.push('check')
      resolve()
    })
    process.nextTick(() => order.push('tick'))
    void Promise.resolve().then(() => order.push('microtask'))
  })
  expect(order.at(-1)).toBe('check')
  expect(order).toHaveLength(3)
})

test('what it throws is an uncaught exception, as from a timer', async () => {
  const thrown = new Error('thrown by a timer')
  const caught = new Promise((resolve) => {
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', resolve)
    onTestFinished(() => others.forEach((listener) => process.on('uncaughtException', listener)))
  })
  const timer = new LateTimer(() => {
    throw thrown
  }, 1)
  onTestFinished(() => void timer.close())
  expect(await caught).toBe(thrown)
})
