import { execFile, execFileSync } from 'node:child_process'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { describe, expect, test } from 'vitest'

import type { KeepAlive } from '../../src/index.ts'

const fixture = fileURLToPath(new URL('fixtures/half-open.mjs', import.meta.url))

function canUnshare(): boolean {
  try {
    execFileSync('unshare', ['-Urn', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** What a client in a network namespace of its own sees of a peer that is really gone. */
async function endingOfLostPeer(keepAlive: KeepAlive): Promise<{ kind: string; durationMs: number }> {
  const { stdout } = await promisify(execFile)('unshare', ['-Urn', process.execPath, fixture, JSON.stringify(keepAlive)])
  return JSON.parse(stdout) as { kind: string; durationMs: number }
}

const lost = {
  kind: 'lost',
  by: 'peer',
  phase: 'open',
  certain: true,
  cause: 'ETIMEDOUT',
  described: 'LOST: the system gave the peer up (ETIMEDOUT)',
}

// skips where user namespaces are not allowed, or ip is not installed
describe.skipIf(!canUnshare())('a peer that is gone without a word', () => {
  test('is lost once keepalive has given it up', { timeout: 60_000 }, async () => {
    expect(await endingOfLostPeer({ delayMs: 1000 })).toMatchObject(lost)
  })

  test.runIf(net.Socket.prototype.setKeepAlive.length >= 4)(
    'is lost sooner with an interval and a count',
    { timeout: 60_000 },
    async () => {
      const ending = await endingOfLostPeer({ delayMs: 1000, intervalMs: 1000, count: 2 })
      expect(ending).toMatchObject(lost)
      expect(ending.durationMs).toBeLessThan(10_000) // with the ten probes of the default it is 11 s
    },
  )
})
