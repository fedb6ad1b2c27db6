import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { checkGracefulHttpServer } from 'netgrace'

test('a bare server.close() loses clients, and the check says how many', async () => {
  const report = await checkGracefulHttpServer(
    async () => {
      const server = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
      const { port } = server.address() as { port: number }
      return { port, stop: () => new Promise((resolve) => server.close(resolve)) }
    },
    { clients: 20 },
  )
  expect(report).toMatchObject({ ok: false, acceptedAfterStop: 0 })
  expect(report.lost + report.resetWhileIdle).toBeGreaterThan(0)
})
