import { fileURLToPath } from 'node:url'

import { describe, expect, test } from 'vitest'

import { connect, handlers, openRig, openUdpClient, spawnClient } from '../../src/index.ts'
import { refusing } from '../support.ts'

const here = fileURLToPath(import.meta.url)

type Wait = (bound: { withinMs: number }) => Promise<unknown>

/** Every wait that takes a bound, each on a peer that never answers. */
async function waits(rig: ReturnType<typeof openRig>): Promise<Record<string, Wait>> {
  const server = await rig.server(handlers.silent())
  const proxy = await rig.proxy(server)
  const client = await rig.connect(proxy)
  await proxy.nextLink()
  const connection = await server.nextConnection()
  const udp = rig.adopt(await openUdpClient(await rig.udpEcho()), (one) => one.close())
  const spawned = rig.adopt(await spawnClient(server, { in: 'thread' }), (one) => one.close())
  await server.nextConnection()
  return {
    ask: (bound) => client.ask('x', bound),
    readLine: (bound) => client.readLine(bound),
    read: (bound) => client.read(5, bound),
    readToEnd: (bound) => client.readToEnd(bound),
    endsWithin: ({ withinMs }) => client.endsWithin(withinMs),
    'readLine of a connection': (bound) => connection.readLine(bound),
    nextConnection: (bound) => server.nextConnection(bound),
    nextLink: (bound) => proxy.nextLink(bound),
    saw: (bound) => proxy.saw('what never comes', bound),
    'receive (UDP)': (bound) => udp.receive(bound),
    'endsWithin (UDP)': ({ withinMs }) => udp.endsWithin(withinMs),
    'readLine of a spawned client': (bound) => spawned.readLine(bound),
    'endsWithin of a spawned client': ({ withinMs }) => spawned.endsWithin(withinMs),
  }
}

describe('the stack of a wait that timed out begins at the line that waited', () => {
  test('for every wait', async () => {
    await using rig = openRig({ allowForced: true })
    for (const [name, wait] of Object.entries(await waits(rig))) {
      const error = await wait({ withinMs: 5 }).catch((thrown: unknown) => thrown as Error)
      expect(error, name).toMatchObject({ code: 'ERR_NETGRACE_TIMEOUT' })
      const { message, stack } = error as Error
      expect(stack!.split('\n')[0], name).toBe(`NetgraceError: ${message}`.split('\n')[0])
      expect(stack!.slice(`NetgraceError: ${message}\n`.length).split('\n')[0], name).toContain(here)
    }
  })

  test('a helper of the test that waits behind an await is the line, and its caller follows', async () => {
    await using rig = openRig({ allowForced: true })
    const client = await rig.connect(await rig.server(handlers.silent()))
    async function anAnswer(): Promise<string> {
      await Promise.resolve()
      return client.ask('x', { withinMs: 5 })
    }
    const { stack } = (await anAnswer().catch((thrown: unknown) => thrown)) as Error
    expect(stack!.split('\n').find((line) => line.trimStart().startsWith('at '))).toMatch(/anAnswer/)
  })

  test('a connect that is refused names the line, too', async () => {
    const error = (await connect(await refusing()).catch((thrown: unknown) => thrown)) as Error
    expect(error.stack).toContain(here)
  })
})
