import { connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { assertNoLeaks } from 'netgrace'

async function startGateway() {
  const server = createServer((socket) => void connect(9, '127.0.0.1').on('error', () => socket.destroy()))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  setInterval(() => server.getConnections(() => {}), 500).unref() // a heartbeat that nobody stops
  return { close: () => new Promise((resolve) => void server.close(resolve)) }
}

test('the leak is named by the line that opened it', async () => {
  const checking = assertNoLeaks(async () => {
    const gateway = await startGateway()
    await gateway.close()
  })
  await expect(checking).rejects.toThrow(/timer +setInterval 500 ms, unref'd[^]*startGateway +.*leaks\.test\.ts:8/)
})
