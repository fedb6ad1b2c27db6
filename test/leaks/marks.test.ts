import { inspect } from 'node:util'
import { expect, test } from 'vitest'

import { watchLeaks } from 'netgrace'

import { marks } from '../../src/leaks/marks.ts'

test('each kind of mark is kept apart, the last value counts, and an object without one has none', () => {
  const one = marks<string>()
  const other = marks<string>()
  const object = {}
  one.set(object, 'first')
  one.set(object, 'last')
  expect([one.get(object), other.get(object), one.get({})]).toEqual(['last', undefined, undefined])
})

test('a mark is seen by nobody, and a frozen object takes one', () => {
  const some = marks<string>()
  const marked = Object.freeze({ a: 1 })
  some.set(marked, 'mark')
  expect(some.get(marked)).toBe('mark')
  expect(Reflect.ownKeys(marked)).toEqual(['a'])
  expect(inspect(marked, { showHidden: true })).toBe('{ a: 1 }')
  expect(marked).toStrictEqual({ a: 1 })
})

test('a timer that an earlier watch has seen is told by a later one with the line that began it again', async () => {
  let fired = (): void => {}
  const once = new Promise<void>((resolve) => {
    fired = resolve
  })
  const before = watchLeaks()
  const timer = setTimeout(() => fired(), 500)
  await once
  before.stop()

  using watch = watchLeaks({ withinMs: 0 })
  const beginAgain = (): void => void timer.refresh()
  beginAgain()
  try {
    expect(await watch.find()).toMatchObject([{ kind: 'timer', site: { function: 'beginAgain' } }])
  } finally {
    clearTimeout(timer)
  }
})
