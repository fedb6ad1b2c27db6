import { describe, expect, test } from 'vitest'

import { type Connection, startProxy } from '../../src/index.ts'
import { stopInOrder, type Stoppable } from '../../src/lifetime/stop.ts'
import { Deadline } from '../../src/lifetime/deadline.ts'
import { Live } from '../../src/lifetime/live.ts'
import { OneStop } from '../../src/lifetime/one-stop.ts'
import { bareClient, openSockets } from '../support.ts'
import { counted, dial, neverSettling, serve } from './parts.ts'

const broken = (what: string) => (): never => {
  throw new Error(`broken: ${what}`)
}

describe('what a step of the stop throws', () => {
  test.each(['quit', 'acceptBacklog', 'closeListener', 'interrupt', 'force', 'onPhase'] as const)(
    'in %s is reported, and the other steps and connections have their turn',
    async (step) => {
      const live = new Live<string>()
      for (const one of ['a', 'b', 'c']) live.add(one)
      const done: string[] = []
      const errors: string[] = []
      const target: Stoppable<string> = {
        live,
        quit: () => void done.push('quit'),
        acceptBacklog: async () => void done.push('acceptBacklog'),
        closeListener: async () => void done.push('closeListener'),
        interrupt: (one) => void done.push(`interrupt ${one}`),
        force: (one) => {
          done.push(`force ${one}`)
          live.delete(one)
        },
        onPhase: (phase) => void done.push(phase),
        failed: ({ message }) => void errors.push(message),
      }
      const all = [
        'quit',
        'acceptBacklog',
        'closeListener',
        'draining',
        ...['a', 'b', 'c'].map((one) => `interrupt ${one}`),
        'forcing',
        ...['a', 'b', 'c'].map((one) => `force ${one}`),
      ]
      await stopInOrder({ ...target, [step]: broken(step) }, new Deadline(20))
      const missing = all.filter((one) => !done.includes(one))
      expect(missing).toStrictEqual(
        { onPhase: ['draining', 'forcing'], interrupt: all.slice(4, 7), force: all.slice(8) }[step as string] ?? [step],
      )
      expect(new Set(errors)).toStrictEqual(new Set([`broken: ${step}`]))
      expect(errors.length).toBe(missing.length)
    },
  )

  test('a backlog that never ends is left at the deadline', async () => {
    const live = new Live<string>()
    const nothing = (): void => {}
    const target = { live, quit: nothing, closeListener: async () => {}, interrupt: nothing, force: nothing, onPhase: nothing }
    const phases = await stopInOrder({ ...target, failed: nothing, acceptBacklog: () => new Promise(() => {}) }, new Deadline(20))
    expect(phases.quitMs).toBeLessThan(2000)
  })

  test('a stop that fails by our own mistake rejects: nothing waits for it for ever', async () => {
    const once = new OneStop<string>()
    await expect(once.call(0, 0, async () => broken('all')())).rejects.toThrow('broken: all')
  })
})

describe('a connection that cannot be ended', () => {
  test.each<[what: string, broken: (connection: Connection) => void, ending: string]>([
    ['force()', (connection) => Object.assign(connection, { force: broken('this one') }), 'eof'],
    ['interrupt()', (connection) => Object.assign(connection, { interrupt: broken('this one') }), 'reset'],
    ['forceNow()', (connection) => Object.assign(connection, { forceNow: broken('this one') }), 'eof'],
  ])('because %s throws is an entry in the errors; the stop settles, and nothing stays open', async (_what, breakIt, ending) => {
    const before = openSockets()
    const server = await serve(async (connection) => {
      if (connection.id === 1) breakIt(connection)
      await neverSettling(connection, server.quit)
    })
    const [first, second] = [await dial(server), await dial(server)]
    await server.connectionsReach(2)
    const report = await server.stop({ graceMs: 50 })
    expect(counted(report)).toBe(2)
    expect(report.unsettled.length).toBe(2)
    expect(report.errors.map(({ message }) => message)).toStrictEqual(['broken: this one'])
    expect(report.durationMs).toBeLessThan(1500)
    expect([(await first.ended).kind, (await second.ended).kind]).toStrictEqual([ending, 'reset'])
    expect(openSockets()).toBe(before)
  })

  test('behind a proxy neither', async () => {
    const server = await serve(async (connection) => void (await connection.readToEnd()))
    const proxy = await startProxy(server, { graceMs: 50 })
    const client = await bareClient(proxy)
    const link = await proxy.nextLink()
    Object.assign(link, { quit: broken('quit'), force: broken('force') })
    const report = await proxy.stop()
    expect(report.errors.map(({ message }) => message)).toStrictEqual(['broken: quit', 'broken: force'])
    expect(report.durationMs).toBeLessThan(1500)
    client.destroy()
  })
})
