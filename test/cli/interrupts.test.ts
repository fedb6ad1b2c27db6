import { afterEach, expect, test, vi } from 'vitest'

import { Interrupts, type Interrupt } from '../../src/cli/interrupts.ts'
import { anotherPress } from './run.ts'

const MINE = ['SIGINT', 'SIGTERM'] as const

afterEach(() => vi.restoreAllMocks())

/** What is told to a command, and what ends the process. */
function listening(): { readonly told: string[]; readonly interrupts: Interrupts; readonly press: (name: Interrupt) => void } {
  const before = new Map(MINE.map((name) => [name, process.listeners(name)]))
  const told: string[] = []
  vi.spyOn(process, 'kill').mockImplementation((_pid, name) => void told.push(`killed by ${name}`) as never)
  const interrupts = new Interrupts()
  interrupts.onFirst((name) => told.push(`first ${name}`))
  interrupts.onSecond((name) => told.push(`second ${name}`))
  const listeners = new Map(MINE.map((name) => [name, process.listeners(name).filter((each) => !before.get(name)!.includes(each))]))
  return {
    told,
    interrupts,
    press: (name) => {
      for (const listener of listeners.get(name as 'SIGINT')!)
        if (process.listeners(name as 'SIGINT').includes(listener)) listener(name as 'SIGINT')
    },
  }
}

test.each(MINE)('%s again at once is the same: a shell passes on what the terminal has given to all', async (name) => {
  const { told, press, interrupts } = listening()
  press(name)
  press(name)
  press(name)
  expect(told).toEqual([`first ${name}`])
  await anotherPress()
  press(name)
  press(name)
  expect(told).toEqual([`first ${name}`, `second ${name}`])
  interrupts[Symbol.dispose]()
})

test('another signal is another, however soon', () => {
  const { told, press, interrupts } = listening()
  press('SIGINT')
  press('SIGTERM')
  press('SIGTERM')
  expect(told).toEqual(['first SIGINT', 'second SIGTERM'])
  interrupts[Symbol.dispose]()
})

test('a third kills, and leaves no listener', async () => {
  const count = process.listenerCount('SIGINT')
  const { told, press } = listening()
  press('SIGTERM')
  press('SIGINT')
  await anotherPress()
  press('SIGINT')
  expect(told).toEqual(['first SIGTERM', 'second SIGINT', 'killed by SIGINT'])
  expect(process.listenerCount('SIGINT')).toBe(count)
})

test('the same again does not kill what has stopped meanwhile, a later one does', async () => {
  const { told, press, interrupts } = listening()
  press('SIGINT')
  interrupts[Symbol.dispose]()
  press('SIGINT')
  expect(told).toEqual(['first SIGINT'])
  await anotherPress()
  press('SIGINT')
  expect(told).toEqual(['first SIGINT', 'killed by SIGINT'])
})

test('what is registered late runs at once', () => {
  const { press, interrupts } = listening()
  press('SIGINT')
  press('SIGTERM')
  const late: string[] = []
  interrupts.onFirst((name) => late.push(name))
  interrupts.onSecond((name) => late.push(name))
  expect(late).toEqual(['SIGINT', 'SIGTERM'])
  interrupts[Symbol.dispose]()
})
