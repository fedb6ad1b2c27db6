import { expect, onTestFinished, test } from 'vitest'

import { assertNoLeaks, findLeaks, startEchoServer, startProxy } from '../../src/index.ts'

test('what down, up and restart open is the proxy’s own, whatever code calls them', async () => {
  const server = await startEchoServer()
  const proxy = await startProxy(server)
  onTestFinished(async () => void (await Promise.all([proxy.stop(), server.stop()])))
  await assertNoLeaks(() => proxy.down())
  await assertNoLeaks(() => proxy.up())
  await assertNoLeaks(() => proxy.restart())
  await proxy.down()
  await assertNoLeaks(() => proxy.up())
})

test('a proxy that is opened and never stopped is found, also where it is down', async () => {
  const server = await startEchoServer()
  for (const isDown of [false, true]) {
    let stop: () => Promise<unknown> = async () => undefined
    const leaks = await findLeaks(async () => {
      const proxy = await startProxy(server)
      stop = () => proxy.stop()
      if (isDown) await proxy.down()
    })
    expect(leaks.length).toBeGreaterThan(0)
    expect(leaks.every(({ site }) => site?.file.endsWith('test/leaks/proxy.test.ts'))).toBe(true)
    await stop()
  }
  await server.stop()
})
