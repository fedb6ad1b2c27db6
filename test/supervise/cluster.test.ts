/** Supervised servers of cluster workers; the cluster runs `dist/`, in a process of its own. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { expect, test } from 'vitest'

import { bareServer } from '../support.ts'

const fixture = fileURLToPath(new URL('fixtures/cluster.mjs', import.meta.url))

interface Outcome {
  readonly port: number
  readonly answered: number
  readonly failed: string[]
  readonly report?: { readonly late: number; readonly forced: number }
}

async function clusterOf(
  what: 'asked' | 'unasked' | 'stop',
  scheduling: 'handed out' | 'shared' = 'handed out',
): Promise<Outcome & { asked: number }> {
  const free = await bareServer()
  await free.close()
  const { stdout } = await promisify(execFile)(process.execPath, [fixture, what, String(free.port), scheduling])
  return { ...(JSON.parse(stdout) as Outcome), asked: free.port }
}

test('a worker that was told to listen in the same breath listens on that port', async () => {
  const { port, asked } = await clusterOf('asked')
  expect(port).toBe(asked)
})

test('a worker that was not told to listen does so on a free port', async () => {
  const { port, asked } = await clusterOf('unasked')
  expect(port).not.toBe(asked)
  expect(port).toBeGreaterThan(0)
})

test.each(['handed out', 'shared'] as const)(
  'where connections are %s, a worker that stops resets none that its siblings would accept',
  async (scheduling) => {
    expect(await clusterOf('stop', scheduling)).toMatchObject({ failed: [], report: { late: 0, forced: 0 } })
  },
)
