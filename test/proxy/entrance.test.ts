import { expect, test } from 'vitest'

import { Deadline } from '../../src/lifetime/deadline.ts'
import { Entrance } from '../../src/proxy/entrance.ts'
import { bareServer, openSockets } from '../support.ts'

const NOBODY = { accepted() {}, late() {}, failed() {} }

test('closed while it is only just taking hold of its port, it leaves the port to whoever listens there next', async () => {
  const open = openSockets()
  const entrance = new Entrance({ host: '127.0.0.1', port: 0 }, NOBODY)
  await entrance.open()
  const { port } = entrance.address as { readonly port: number }
  const deadline = new Deadline(5000)
  const holding = entrance.closeAndHold(deadline)
  await entrance.close()
  const next = await bareServer(() => {}, {}, port)
  await holding // or it would be refused the port
  deadline.cancel()
  await Promise.all([entrance.release(), next.close()])
  expect(openSockets()).toBe(open)
})
